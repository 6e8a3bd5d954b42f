//! Policies: which of the ready jobs runs next, and for how long at most.
//!
//! One policy object schedules jobs in exact time ([`super::ideal`]) and real processes. So a
//! policy knows only what a real dispatcher knows: [`View`] has the declared length of a job, and
//! the CPU time that it has used, but nothing of the bursts that are still to come.
//!
//! # Ties
//! * At one moment, arrivals and ends of I/O come before the job whose quantum is over.
//! * Of several arrivals at one moment, the job that comes first in the list comes first.
//! * Jobs with equal keys are taken by arrival, then by their place in the list.
//! * A running job wins ties, so an equal job does not preempt it.
//! * Remaining times are compared after rounding to 1/100 of a unit ([`Time::rounded`]).

mod edf;
mod fair;
mod fcfs;
mod guaranteed;
mod hrrn;
mod lottery;
mod multilevel;
mod parameters;
mod parse;
mod priority;
mod ratio;
mod rm;
mod round_robin;
mod sjf;
mod spec;
mod spn;
mod srtn;
mod stride;

use std::fmt::Debug;

use super::time::Time;

pub use parameters::SpecError;
pub use parse::{FORMS, parse_list};
use ratio::Ratio;
pub use spec::Spec;
pub use spn::Weight;

/// A job by its place in the list.
pub type Id = usize;

/// What a dispatcher knows of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The job.
    pub id: Id,
    /// When it became ready for the first time.
    pub arrival: Time,
    /// When it last became ready: at its arrival, at the end of I/O, or when it was stopped.
    pub ready_since: Time,
    /// The CPU time that it has used so far.
    pub used: Time,
    /// The CPU time that it needs in all, as declared with the job. The article's shortest job
    /// first must know it in advance.
    pub declared: Time,
    /// The priority.
    pub priority: i64,
    /// Its user, by the order in which users first appear in the list.
    pub owner: usize,
    /// Its tickets.
    pub tickets: u64,
    /// The time between two releases.
    pub period: Option<Time>,
    /// The moment by which it must end.
    pub deadline: Option<Time>,
}

impl View {
    /// Returns the declared CPU time that is left, rounded for comparisons.
    pub fn remaining(&self) -> Time {
        (self.declared - self.used).rounded()
    }

    /// Returns the key that decides ties: arrival, then place in the list.
    pub fn order(&self) -> (Time, Id) {
        (self.arrival, self.id)
    }
}

/// The decision of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The job that runs next.
    pub job: Id,
    /// How long at most; `None` until it blocks, ends or is preempted.
    pub at_most: Option<Time>,
}

/// Why a job stopped running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It has run as long as the choice allowed, and is still ready.
    Quantum,
    /// Another job became ready and preempts it; it is still ready.
    Preempted,
    /// It waits for I/O, or for its next release.
    Blocked,
    /// It has ended.
    Ended,
}

/// A scheduling policy. [`super::ReadyList`] calls it in the order that the rules on ties demand.
pub trait Policy: Debug + Send {
    /// Reports that a job became ready: by its arrival, by its next release, or by the end of I/O.
    fn arrives(&mut self, _job: &View, _now: Time) {}

    /// Chooses one of the ready jobs, of which there is at least one, in no particular order.
    fn pick(&mut self, ready: &[View], now: Time) -> Choice;

    /// Reports that a job stopped after it ran for `time`. Its view includes that time.
    fn ran(&mut self, _job: &View, _time: Time, _why: Stopped, _now: Time) {}

    /// Reports that a ready job is withdrawn: it was abandoned at its deadline, or killed.
    fn leaves(&mut self, _job: &View) {}

    /// Returns whether a job that just became ready preempts the running one. The view of the
    /// running job includes the time that it has run up to now.
    fn preempts(&self, _running: &View, _other: &View) -> bool {
        false
    }

    /// Returns what the policy compares, for a reader: "3 left", "priority 5".
    fn explain(&self, job: &View, now: Time) -> String;
}

/// Returns the ready job with the least key. Ties are decided by [`View::order`].
fn least<K: Ord>(ready: &[View], key: impl Fn(&View) -> K) -> &View {
    ready.iter().min_by_key(|job| (key(job), job.order())).expect("a job is ready")
}
