//! Stride scheduling.

use std::collections::HashMap;

use super::{Choice, Id, Policy, Stopped, View, least};
use crate::schedule::time::Time;

/// The distance that a job with one ticket advances in a quantum. Most numbers of tickets divide
/// it.
const ONE_TICKET: u128 = 720_720_000_000;

/// Runs the job with the least pass for one quantum. Its pass then grows by its stride, which is
/// the shorter the more tickets it has.
#[derive(Debug)]
pub(super) struct Stride {
    quantum: Time,
    passes: HashMap<Id, u128>,
    /// The pass of the job that was picked last: newcomers begin there.
    pass: u128,
}

impl Stride {
    pub(super) fn new(quantum: Time) -> Stride {
        Stride { quantum, passes: HashMap::new(), pass: 0 }
    }

    fn pass_of(&self, job: Id) -> u128 {
        self.passes.get(&job).copied().unwrap_or(0)
    }
}

impl Policy for Stride {
    fn arrives(&mut self, job: &View, _now: Time) {
        let pass = self.pass_of(job.id).max(self.pass);
        self.passes.insert(job.id, pass);
    }

    fn pick(&mut self, ready: &[View], _now: Time) -> Choice {
        let job = least(ready, |job| self.pass_of(job.id)).id;
        self.pass = self.pass_of(job);
        Choice { job, at_most: Some(self.quantum) }
    }

    fn ran(&mut self, job: &View, time: Time, why: Stopped, _now: Time) {
        // A whole quantum counts as one, however long it took: real ones differ by microseconds.
        let used = if why == Stopped::Quantum { self.quantum } else { time.rounded() };
        let stride = ONE_TICKET / u128::from(job.tickets);
        let step = stride * u128::from(used.ticks()) / u128::from(self.quantum.ticks());
        *self.passes.entry(job.id).or_insert(0) += step;
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("pass {:.2}", self.pass_of(job.id) as f64 / ONE_TICKET as f64)
    }
}
