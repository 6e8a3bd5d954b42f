//! First come, first served.

use std::collections::VecDeque;

use super::{Choice, Id, Policy, View};
use crate::schedule::time::Time;

/// Runs jobs in the order in which they became ready, each until it blocks or ends.
#[derive(Debug, Default)]
pub(super) struct Fcfs {
    queue: VecDeque<Id>,
}

impl Policy for Fcfs {
    fn arrives(&mut self, job: &View, _now: Time) {
        self.queue.push_back(job.id);
    }

    fn pick(&mut self, _ready: &[View], _now: Time) -> Choice {
        Choice { job: self.queue.pop_front().expect("a job is ready"), at_most: None }
    }

    fn leaves(&mut self, job: &View) {
        self.queue.retain(|&queued| queued != job.id);
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("ready at {}", job.ready_since)
    }
}
