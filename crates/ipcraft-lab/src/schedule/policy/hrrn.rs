//! Highest response ratio next.

use std::cmp::Reverse;

use super::{Choice, Policy, Ratio, View, least};
use crate::schedule::time::Time;

/// Runs the job with the highest (waited + length) / length, until it blocks or ends.
#[derive(Debug)]
pub(super) struct Hrrn;

impl Policy for Hrrn {
    fn pick(&mut self, ready: &[View], now: Time) -> Choice {
        Choice { job: least(ready, |job| Reverse(ratio(job, now))).id, at_most: None }
    }

    fn explain(&self, job: &View, now: Time) -> String {
        format!("ratio {:.2}", ratio(job, now).as_f64())
    }
}

fn ratio(job: &View, now: Time) -> Ratio {
    let waited = (now - job.ready_since).rounded();
    Ratio::new((waited + job.declared).ticks(), job.declared.ticks())
}
