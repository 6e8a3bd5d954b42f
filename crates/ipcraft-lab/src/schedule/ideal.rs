//! A schedule in exact virtual time: what a policy does if a switch costs nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::job::{Burst, Job};
use super::policy::{Choice, Id, Policy, Stopped};
use super::ready::ReadyList;
use super::time::{GRACE, Time};
use super::timeline::{Dispatch, Segment, Timeline, What, Why};

/// The most decisions of one schedule. A short quantum and long jobs would need more memory.
pub const MAX_DISPATCHES: usize = 2_000_000;

/// The schedule would have more than [`MAX_DISPATCHES`] decisions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the schedule has more than {MAX_DISPATCHES} decisions: choose a longer quantum or shorter jobs")]
pub struct TooLong;

/// Returns the schedule of these jobs by this policy. `explained` adds the reason of each decision.
///
/// # Errors
/// Fails if there are more than [`MAX_DISPATCHES`] decisions.
pub fn run(jobs: &[Job], policy: &mut dyn Policy, explained: bool) -> Result<Timeline, TooLong> {
    let mut engine = Engine::new(jobs, policy, explained);
    while engine.step()? {}
    Ok(engine.timeline)
}

/// How far a job is.
struct Progress<'a> {
    bursts: &'a [Burst],
    /// What is left of the first of `bursts`.
    left: Time,
}

struct Running {
    choice: Choice,
    since: Time,
}

struct Engine<'a> {
    list: ReadyList<'a>,
    jobs: Vec<Progress<'a>>,
    /// When jobs become ready, the earliest first.
    events: BinaryHeap<Reverse<(Time, Id)>>,
    running: Option<Running>,
    now: Time,
    timeline: Timeline,
    explained: bool,
}

impl<'a> Engine<'a> {
    fn new(jobs: &'a [Job], policy: &'a mut dyn Policy, explained: bool) -> Engine<'a> {
        let progress = |job: &'a Job| Progress { left: first(&job.bursts), bursts: &job.bursts };
        Engine {
            list: ReadyList::new(jobs, policy),
            jobs: jobs.iter().map(progress).collect(),
            events: jobs.iter().enumerate().map(|(id, job)| Reverse((job.arrival, id))).collect(),
            running: None,
            now: Time::ZERO,
            timeline: Timeline::new(jobs.len()),
            explained,
        }
    }

    /// Handles this moment, then advances to the next. Returns whether there is one.
    fn step(&mut self) -> Result<bool, TooLong> {
        self.deliver();
        self.stop();
        if self.running.is_none() {
            self.dispatch()?;
        }
        let Some(next) = self.next_moment() else {
            return Ok(false);
        };
        if let Some(running) = &self.running {
            let job = running.choice.job;
            self.jobs[job].left -= next - self.now;
            self.timeline.push(Segment { job, from: self.now, to: next, what: What::Running });
        }
        self.now = next;
        Ok(true)
    }

    /// Lets jobs arrive that become ready now.
    fn deliver(&mut self) {
        while let Some(&Reverse((at, job))) = self.events.peek() {
            if at > self.now {
                break;
            }
            self.events.pop();
            self.list.arrive(job, self.now);
        }
    }

    /// Stops the running job if it has to.
    fn stop(&mut self) {
        let Some(running) = &self.running else {
            return;
        };
        let (job, time) = (running.choice.job, self.now - running.since);
        let why = if self.jobs[job].left.is_zero() {
            self.finish_burst(job)
        } else if running.choice.at_most.is_some_and(|most| time >= most) {
            Stopped::Quantum
        } else if self.list.is_preempted(time) {
            Stopped::Preempted
        } else {
            return;
        };
        self.running = None;
        self.list.stop(time, why, self.now);
    }

    /// Begins the I/O after the burst that has ended, or ends the job.
    fn finish_burst(&mut self, job: Id) -> Stopped {
        let progress = &mut self.jobs[job];
        let [_, Burst::Io(io), rest @ ..] = progress.bursts else {
            self.timeline.ends[job] = Some(self.now);
            return Stopped::Ended;
        };
        (progress.bursts, progress.left) = (rest, first(rest));
        let until = self.now + *io;
        self.timeline.push(Segment { job, from: self.now, to: until, what: What::Blocked });
        self.events.push(Reverse((until, job)));
        Stopped::Blocked
    }

    fn dispatch(&mut self) -> Result<(), TooLong> {
        let Some(choice) = self.list.pick(self.now) else {
            return Ok(());
        };
        if self.timeline.dispatches.len() == MAX_DISPATCHES {
            return Err(TooLong);
        }
        let why = self.explained.then(|| Why::of(&self.list, choice.job, self.now));
        self.timeline.dispatches.push(Dispatch { at: self.now, job: choice.job, why });
        self.running = Some(Running { choice, since: self.now });
        Ok(())
    }

    /// Returns when something happens next: a job becomes ready, or the running one must stop.
    fn next_moment(&self) -> Option<Time> {
        let event = self.events.peek().map(|&Reverse((at, _))| at);
        let stop = self.running.as_ref().map(|running| {
            let end = self.now + self.jobs[running.choice.job].left;
            let over = running.choice.at_most.map(|most| running.since + most);
            // The grace: what is left after the quantum is too little to be dispatched again.
            over.filter(|&over| over + GRACE <= end).unwrap_or(end)
        });
        event.into_iter().chain(stop).min()
    }
}

/// Returns the length of the first burst, which computes.
fn first(bursts: &[Burst]) -> Time {
    match bursts.first() {
        Some(Burst::Compute(time) | Burst::Io(time)) => *time,
        None => Time::ZERO,
    }
}

impl Why {
    /// Returns why `chosen` was just picked from `list`.
    pub fn of(list: &ReadyList<'_>, chosen: Id, now: Time) -> Why {
        let (text, other) = list.explain(chosen, now);
        Why { chosen: text, other, waiting: list.ready().len() }
    }
}
