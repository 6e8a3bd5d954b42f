//! Rate monotonic.

use super::{Choice, Policy, View, least};
use crate::schedule::time::Time;

/// Runs the job with the shortest period: a fixed priority. Jobs without a period come last.
#[derive(Debug)]
pub(super) struct Rm;

impl Policy for Rm {
    fn pick(&mut self, ready: &[View], _now: Time) -> Choice {
        Choice { job: least(ready, key).id, at_most: None }
    }

    fn preempts(&self, running: &View, other: &View) -> bool {
        key(other) < key(running)
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        job.period.map_or_else(|| "no period".into(), |period| format!("period {period}"))
    }
}

fn key(job: &View) -> (bool, Option<Time>) {
    (job.period.is_none(), job.period)
}
