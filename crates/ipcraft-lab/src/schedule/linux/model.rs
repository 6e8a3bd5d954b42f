//! What theory expects of each of Linux's policies.

use std::time::Duration;

use super::super::policy::Spec;
use super::super::time::Time;
use super::super::{ideal, sharing};
use super::{Competition, Kind};
use crate::sys::LinuxPolicy;

/// The kernel's weights of nice 0 to 19 (`sched_prio_to_weight`).
const WEIGHTS: [f64; 20] = [
    1024., 820., 655., 526., 423., 335., 272., 215., 172., 137., 110., 87., 70., 56., 45., 36., 29., 23.,
    18., 15.,
];
/// The kernel's weight of `SCHED_IDLE`.
const IDLE_WEIGHT: f64 = 3.0;
impl Competition<'_> {
    fn has_io(&self) -> bool {
        self.jobs.iter().any(|job| job.bursts.len() > 1)
    }

    pub(super) fn model_ends(&self, quantum: Option<Duration>) -> Option<Vec<Time>> {
        let of_priority = |quantum: Option<Time>| {
            let spec = Spec::Priority { low_first: false, ageing: false, quantum };
            let timeline = ideal::run(self.jobs, &mut *spec.policy(), false).ok()?;
            timeline.ends.into_iter().collect()
        };
        match self.kind {
            Kind::Autogroup => None,
            Kind::Fifo => of_priority(None),
            // A job that blocks keeps the rest of its quantum, other than in the model.
            Kind::RoundRobin if self.has_io() => None,
            Kind::RoundRobin => {
                of_priority(quantum.map(|quantum| self.scale.time(quantum.as_nanos() as u64)))
            }
            _ => Some(sharing::ends(self.jobs, &self.weights())),
        }
    }

    pub(super) fn model_shares(&self) -> Option<Vec<f64>> {
        // A blocked job leaves its share to the others.
        if self.is_real_time() || self.has_io() {
            return None;
        }
        let weights = self.weights();
        let total: f64 = weights.iter().sum();
        Some(weights.iter().map(|weight| weight / total).collect())
    }

    /// The weight of each job. Sessions have equal weights, which their jobs share.
    fn weights(&self) -> Vec<f64> {
        let together = self.sessions.iter().filter(|own| !**own).count() as f64;
        if self.kind == Kind::Weight {
            return self.jobs.iter().map(|job| job.tickets as f64).collect();
        }
        let weight = |(policy, own): (&LinuxPolicy, &bool)| match policy {
            LinuxPolicy::Idle => IDLE_WEIGHT,
            LinuxPolicy::Other { nice, .. } | LinuxPolicy::Batch { nice, .. } => {
                let grouped = self.kind == Kind::Autogroup && !own;
                WEIGHTS[*nice as usize] / if grouped { together } else { 1.0 }
            }
            _ => WEIGHTS[0],
        };
        self.policies.iter().zip(&self.sessions).map(weight).collect()
    }
}
