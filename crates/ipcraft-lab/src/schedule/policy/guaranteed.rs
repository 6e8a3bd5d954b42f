//! Guaranteed scheduling.

use super::{Choice, Policy, Ratio, View, least};
use crate::schedule::time::Time;

/// Runs the job that has got the least of what it was promised: 1/n of the time since its arrival.
/// The n is the same for all, so it does not change which one that is.
#[derive(Debug)]
pub(super) struct Guaranteed {
    quantum: Time,
}

impl Guaranteed {
    pub(super) fn new(quantum: Time) -> Guaranteed {
        Guaranteed { quantum }
    }
}

impl Policy for Guaranteed {
    fn pick(&mut self, ready: &[View], now: Time) -> Choice {
        Choice { job: least(ready, |job| ratio(job, now)).id, at_most: Some(self.quantum) }
    }

    fn explain(&self, job: &View, now: Time) -> String {
        format!("got {} in {}", job.used.rounded(), (now - job.arrival).rounded())
    }
}

/// Returns used / present. A job that has just arrived has used nothing of a tick.
fn ratio(job: &View, now: Time) -> Ratio {
    let present = (now - job.arrival).rounded().ticks().max(1);
    Ratio::new(job.used.rounded().ticks(), present)
}
