//! Earliest deadline first.

use super::{Choice, Policy, View, least};
use crate::schedule::time::Time;

/// Runs the job with the earliest deadline. Jobs without a deadline come last.
#[derive(Debug)]
pub(super) struct Edf;

impl Policy for Edf {
    fn pick(&mut self, ready: &[View], _now: Time) -> Choice {
        Choice { job: least(ready, key).id, at_most: None }
    }

    fn preempts(&self, running: &View, other: &View) -> bool {
        key(other) < key(running)
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        job.deadline.map_or_else(|| "no deadline".into(), |deadline| format!("deadline {deadline}"))
    }
}

fn key(job: &View) -> (bool, Option<Time>) {
    (job.deadline.is_none(), job.deadline.map(Time::rounded))
}
