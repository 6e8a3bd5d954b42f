//! Shortest remaining time next.

use super::{Choice, Policy, View, least};
use crate::schedule::time::Time;

/// Runs the job with the least declared time left. A job that becomes ready with less preempts.
#[derive(Debug)]
pub(super) struct Srtn;

impl Policy for Srtn {
    fn pick(&mut self, ready: &[View], _now: Time) -> Choice {
        Choice { job: least(ready, View::remaining).id, at_most: None }
    }

    fn preempts(&self, running: &View, other: &View) -> bool {
        other.remaining() < running.remaining()
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("{} left", job.remaining())
    }
}
