//! Shortest process next, by an estimate from past bursts.

use std::collections::HashMap;

use super::{Choice, Id, Policy, Stopped, View, least};
use crate::schedule::time::Time;

/// Runs the job whose next burst is estimated to be the shortest, until it blocks or ends.
///
/// After each burst the estimate becomes a · burst + (1 - a) · estimate. The length of a burst is
/// known only when it is over.
#[derive(Debug)]
pub(super) struct Spn {
    weight: Weight,
    first: Time,
    estimates: HashMap<Id, Time>,
    /// What a job has run of its present burst.
    bursts: HashMap<Id, Time>,
}

/// The weight of the last burst, as a fraction from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Above the line.
    pub numerator: u32,
    /// Below the line, not 0.
    pub denominator: u32,
}

impl Spn {
    pub(super) fn new(weight: Weight, first: Time) -> Spn {
        Spn { weight, first, estimates: HashMap::new(), bursts: HashMap::new() }
    }

    fn estimate(&self, job: Id) -> Time {
        self.estimates.get(&job).copied().unwrap_or(self.first)
    }
}

impl Policy for Spn {
    fn pick(&mut self, ready: &[View], _now: Time) -> Choice {
        Choice { job: least(ready, |job| self.estimate(job.id).rounded()).id, at_most: None }
    }

    fn ran(&mut self, job: &View, time: Time, why: Stopped, _now: Time) {
        let burst = self.bursts.remove(&job.id).unwrap_or_default() + time;
        if matches!(why, Stopped::Blocked | Stopped::Ended) {
            let estimate = average(self.weight, burst, self.estimate(job.id));
            self.estimates.insert(job.id, estimate);
        } else {
            self.bursts.insert(job.id, burst);
        }
    }

    fn explain(&self, job: &View, _now: Time) -> String {
        format!("estimate {}", self.estimate(job.id).rounded())
    }
}

/// Returns a · `burst` + (1 - a) · `estimate`, rounded to a tick.
fn average(a: Weight, burst: Time, estimate: Time) -> Time {
    let (part, whole) = (u128::from(a.numerator), u128::from(a.denominator));
    let sum = u128::from(burst.ticks()) * part + u128::from(estimate.ticks()) * (whole - part);
    Time::from_ticks(u64::try_from((sum + whole / 2) / whole).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Weight = Weight { numerator: 1, denominator: 2 };

    fn estimates(first: u64, bursts: &[u64]) -> Vec<Time> {
        let mut estimates = vec![Time::units(first)];
        for &burst in bursts {
            let last = estimates[estimates.len() - 1];
            estimates.push(average(HALF, Time::units(burst), last));
        }
        estimates
    }

    /// Silberschatz, Galvin, Gagne: prediction of the length of the next CPU burst.
    #[test]
    fn estimates_are_those_of_silberschatz() {
        let expected = [10, 8, 6, 6, 5, 9, 11, 12].map(Time::units);
        assert_eq!(estimates(10, &[6, 4, 6, 4, 13, 13, 13]), expected);
    }

    /// Tanenbaum, Bos: runs of 40, 20, 40 and 15 predict 25.
    #[test]
    fn estimate_is_that_of_tanenbaum() {
        assert_eq!(estimates(40, &[40, 20, 40, 15]).last(), Some(&Time::units(25)));
    }
}
