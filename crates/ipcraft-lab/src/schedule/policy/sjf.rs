//! Shortest job first.

use super::{Choice, Policy, View, least};
use crate::schedule::time::Time;

/// Runs the job with the shortest declared length, until it blocks or ends.
#[derive(Debug)]
pub(super) struct Sjf;

impl Policy for Sjf {
    fn pick(&mut self, ready: &[View], _now: Time) -> Choice {
        Choice { job: least(ready, |job| job.declared.rounded()).id, at_most: None }
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("length {}", job.declared)
    }
}
