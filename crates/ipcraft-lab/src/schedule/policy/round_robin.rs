//! Round robin.

use std::collections::VecDeque;

use super::{Choice, Id, Policy, Stopped, View};
use crate::schedule::time::Time;

/// Runs jobs in turns of one quantum. A job that has used its quantum goes to the tail.
#[derive(Debug)]
pub(super) struct RoundRobin {
    quantum: Time,
    queue: VecDeque<Id>,
}

impl RoundRobin {
    pub(super) fn new(quantum: Time) -> RoundRobin {
        RoundRobin { quantum, queue: VecDeque::new() }
    }
}

impl Policy for RoundRobin {
    fn arrives(&mut self, job: &View, _now: Time) {
        self.queue.push_back(job.id);
    }

    fn pick(&mut self, _ready: &[View], _now: Time) -> Choice {
        let job = self.queue.pop_front().expect("a job is ready");
        Choice { job, at_most: Some(self.quantum) }
    }

    fn ran(&mut self, job: &View, _time: Time, why: Stopped, _now: Time) {
        match why {
            Stopped::Quantum => self.queue.push_back(job.id),
            // No job preempts here; a dispatcher may still stop one early.
            Stopped::Preempted => self.queue.push_front(job.id),
            Stopped::Blocked | Stopped::Ended => {}
        }
    }

    fn leaves(&mut self, job: &View) {
        self.queue.retain(|&queued| queued != job.id);
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("in the queue since {}", job.ready_since)
    }
}
