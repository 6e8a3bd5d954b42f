//! What happened when: the result of a schedule, ideal or real.

use serde::Serialize;

use super::policy::Id;
use super::time::Time;

/// What a job did during a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Used the CPU.
    Running,
    /// Was blocked in I/O.
    Blocked,
    /// Was about to run: the dispatcher switched to it.
    Switching,
    /// Was current, but the CPU was taken away by an interrupt, by another process or by the host.
    Stolen,
}

/// A stretch of time in which a job did one thing. While a job has no segment, it waits, or is not
/// there. While no job is running, the CPU is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The job.
    pub job: Id,
    /// The start.
    pub from: Time,
    /// The end.
    pub to: Time,
    /// What it did.
    pub what: What,
}

/// A decision: the policy picked this job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispatch {
    /// When.
    pub at: Time,
    /// The job.
    pub job: Id,
    /// Why, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// Why a job was picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// What the policy compared of the job that it picked: "3 left".
    pub chosen: String,
    /// The first of the other ready jobs, and what was compared of it.
    pub other: Option<(Id, String)>,
    /// How many other jobs were ready.
    pub waiting: usize,
}

/// All that happened in one schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The segments by their start. Running segments do not overlap, and a job that continues
    /// after a decision continues its segment.
    pub segments: Vec<Segment>,
    /// The decisions in order, also if the same job continues.
    pub dispatches: Vec<Dispatch>,
    /// When each job ended; `None` if it did not.
    pub ends: Vec<Option<Time>>,
}

impl Timeline {
    /// Returns an empty timeline of this many jobs.
    pub fn new(jobs: usize) -> Timeline {
        Timeline { segments: Vec::new(), dispatches: Vec::new(), ends: vec![None; jobs] }
    }

    /// Appends a segment, or lengthens the last one if it continues that. An empty one is dropped.
    pub fn push(&mut self, segment: Segment) {
        if segment.from >= segment.to {
            return;
        }
        match self.segments.last_mut() {
            Some(last) if (last.job, last.what, last.to) == (segment.job, segment.what, segment.from) => {
                last.to = segment.to;
            }
            _ => self.segments.push(segment),
        }
    }

    /// Returns the running segments.
    pub fn running(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| segment.what == What::Running)
    }

    /// Returns the jobs in the order of the decisions.
    pub fn order(&self) -> Vec<Id> {
        self.dispatches.iter().map(|dispatch| dispatch.job).collect()
    }

    /// Returns the end of the last segment.
    pub fn end(&self) -> Time {
        self.segments.iter().map(|segment| segment.to).max().unwrap_or_default()
    }
}
