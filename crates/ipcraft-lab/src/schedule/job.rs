//! Jobs: what is to be scheduled.

mod parse;

use std::collections::HashSet;

use serde::Serialize;

use super::time::{Time, TimeError};

pub use parse::{parse, set_each, set_owner, set_priority, set_tickets};

/// The most jobs of one schedule.
pub const MAX_JOBS: usize = 10_000;
/// The most bursts of one job.
const MAX_BURSTS: usize = 1_000;

/// One step of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Burst {
    /// Uses the CPU for this long.
    Compute(Time),
    /// Is blocked for this long, and uses no CPU.
    Io(Time),
}

/// A job: its bursts, and what policies may know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// The name, which no other job of the schedule has.
    pub name: String,
    /// When it becomes ready for the first time.
    pub arrival: Time,
    /// Compute and I/O in turns; the first and the last are compute.
    pub bursts: Vec<Burst>,
    /// The priority. A policy decides whether a high or a low number goes first.
    pub priority: i64,
    /// The user to which it belongs.
    pub owner: String,
    /// Its share in a lottery, by stride, and in the metric of fairness.
    pub tickets: u64,
    /// The time between two releases, if it is an instance of a periodic task.
    pub period: Option<Time>,
    /// The time from its arrival within which it must end.
    pub deadline: Option<Time>,
}

impl Job {
    /// Returns a job that computes for `length`, with priority 0, owner `-` and one ticket.
    pub fn new(name: impl Into<String>, arrival: Time, length: Time) -> Job {
        Job {
            name: name.into(),
            arrival,
            bursts: vec![Burst::Compute(length)],
            priority: 0,
            owner: "-".into(),
            tickets: 1,
            period: None,
            deadline: None,
        }
    }

    /// Returns the CPU time of all its bursts.
    pub fn length(&self) -> Time {
        let compute = |burst: &Burst| if let Burst::Compute(time) = burst { *time } else { Time::ZERO };
        self.bursts.iter().map(compute).sum()
    }

    /// Returns the time that it is blocked.
    pub fn blocked(&self) -> Time {
        let io = |burst: &Burst| if let Burst::Io(time) = burst { *time } else { Time::ZERO };
        self.bursts.iter().map(io).sum()
    }

    /// Returns the time at which it must have ended.
    pub fn absolute_deadline(&self) -> Option<Time> {
        self.deadline.map(|deadline| self.arrival + deadline)
    }
}

/// Why a text describes no jobs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// There is no job.
    #[error("no job: write lengths such as 24,3,3, or NAME:ARRIVAL:BURSTS such as A:0:3 B:2:6,io2,1")]
    Empty,
    /// There are more than [`MAX_JOBS`].
    #[error("{0} jobs: at most {MAX_JOBS}")]
    TooMany(usize),
    /// A job has no colon, or too many.
    #[error("{0:?} is no job: write NAME:ARRIVAL:BURSTS[:OPTION=VALUE,…], such as B:2:6,io2,1:priority=3")]
    Form(String),
    /// Two jobs have one name.
    #[error("two jobs are named {0:?}: rename one")]
    DuplicateName(String),
    /// A job or burst takes no time.
    #[error("job {0}: a burst of length 0: write a length above 0")]
    ZeroLength(String),
    /// Compute and I/O do not alternate.
    #[error("job {0}: bursts must alternate, and the first and last must compute: such as 6,io2,1")]
    Bursts(String),
    /// A job has too many bursts.
    #[error("job {0}: more than {MAX_BURSTS} bursts")]
    TooManyBursts(String),
    /// A time cannot be read.
    #[error("job {0}: {1}")]
    Time(String, TimeError),
    /// An option has another name than the known ones.
    #[error("job {0}: unknown option {1:?}: choose priority, owner, tickets, period or deadline")]
    UnknownOption(String, String),
    /// The value of an option cannot be used.
    #[error("job {0}: {1}: {2}")]
    Value(String, &'static str, String),
    /// A list of values does not match the jobs.
    #[error("{0} {1} for {2} jobs: give one for each job")]
    Count(usize, &'static str, usize),
}

/// Checks what [`parse()`] promises, for jobs from another source.
///
/// # Errors
/// Fails if there are none or too many, two have one name, or a length is zero.
pub fn check(jobs: &[Job]) -> Result<(), JobError> {
    if jobs.is_empty() {
        return Err(JobError::Empty);
    }
    if jobs.len() > MAX_JOBS {
        return Err(JobError::TooMany(jobs.len()));
    }
    let mut names = HashSet::new();
    for job in jobs {
        if !names.insert(&job.name) {
            return Err(JobError::DuplicateName(job.name.clone()));
        }
        check_bursts(job)?;
    }
    Ok(())
}

fn check_bursts(job: &Job) -> Result<(), JobError> {
    let computes = |burst: &Burst| matches!(burst, Burst::Compute(_));
    let alternates = job.bursts.iter().enumerate().all(|(i, burst)| computes(burst) == (i % 2 == 0));
    if !alternates || job.bursts.len().is_multiple_of(2) {
        return Err(JobError::Bursts(job.name.clone()));
    }
    if job.bursts.len() > MAX_BURSTS {
        return Err(JobError::TooManyBursts(job.name.clone()));
    }
    let is_zero = |burst: &Burst| matches!(burst, Burst::Compute(time) | Burst::Io(time) if time.is_zero());
    if job.bursts.iter().any(is_zero) {
        return Err(JobError::ZeroLength(job.name.clone()));
    }
    Ok(())
}
