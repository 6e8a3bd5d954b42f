//! What to measure, and for how long.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::placement::Placement;
use crate::registry::{self, Mechanism};
use crate::workload::Workload;

/// The sizes of what carries nothing.
const NOTHING: RangeInclusive<usize> = 0..=0;

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// One size; well under 20 seconds.
    Quick,
    /// Three sizes; well under a minute.
    Default,
    /// Seven sizes from 1 B to 1 MiB and all workloads; minutes.
    Full,
}

impl Effort {
    /// The time that a whole run takes, whatever the number of mechanisms.
    pub fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Effort::Quick => 14,
            Effort::Default => 45,
            Effort::Full => 300,
        })
    }

    /// Message sizes, where the mechanism allows.
    pub fn sizes(self) -> &'static [usize] {
        match self {
            Effort::Quick => &[64],
            Effort::Default => &[64, 4096, 65_536],
            Effort::Full => &[1, 8, 64, 1024, 4096, 65_536, 1 << 20],
        }
    }

    /// Workloads, where the mechanism allows.
    pub fn workloads(self) -> &'static [Workload] {
        match self {
            Effort::Quick | Effort::Default => {
                &[Workload::RoundTrip, Workload::Stream, Workload::Uncontended, Workload::Contended]
            }
            Effort::Full => Workload::ALL,
        }
    }
}

/// What to measure. The floors run in any case.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The mechanisms.
    pub mechanisms: Vec<&'static Mechanism>,
    /// Message sizes; `None` for those of the effort, each mechanism then being measured in at least one.
    pub sizes: Option<Vec<usize>>,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// The placements.
    pub placements: Vec<Placement>,
    /// Decides on sizes that are not given.
    pub effort: Effort,
    /// Time for the whole run.
    pub budget: Duration,
    /// Fresh starts of all processes.
    pub launches: usize,
    /// A peer that is silent for longer has failed.
    pub patience: Duration,
}

impl Plan {
    /// Everything that is registered.
    pub fn new(effort: Effort) -> Plan {
        Plan {
            mechanisms: registry::mechanisms().to_vec(),
            sizes: None,
            workloads: effort.workloads().to_vec(),
            placements: Placement::ALL.to_vec(),
            effort,
            budget: effort.budget(),
            launches: 3,
            patience: Duration::from_secs(20),
        }
    }

    /// The sizes to measure a mechanism at. One that carries none of the effort's sizes gets the nearest it carries; with
    /// sizes that somebody asked for it is left out instead. To one that carries nothing sizes mean nothing.
    pub(crate) fn sizes_of(&self, mechanism: &Mechanism) -> Vec<usize> {
        let range = (mechanism.sizes)();
        if range == NOTHING {
            return vec![0];
        }
        let wanted = self.wanted_sizes();
        let mut sizes: Vec<usize> = wanted.iter().copied().filter(|size| range.contains(size)).collect();
        if sizes.is_empty() && self.sizes.is_none() {
            sizes.extend(wanted.first().map(|&size| mechanism.nearest_size(size)));
        }
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The sizes that somebody asked for and a mechanism does not carry.
    pub(crate) fn refused_sizes(&self, mechanism: &Mechanism) -> Vec<usize> {
        let range = (mechanism.sizes)();
        let asked_for = self.sizes.iter().flatten().copied();
        asked_for.filter(|size| range != NOTHING && !range.contains(size)).collect()
    }

    fn wanted_sizes(&self) -> &[usize] {
        self.sizes.as_deref().unwrap_or(self.effort.sizes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_that_fit() {
        let udp = registry::find("udp").unwrap();
        let plan = Plan::new(Effort::Full);
        assert_eq!(plan.sizes_of(udp), [1, 8, 64, 1024, 4096]);
        assert!(plan.refused_sizes(udp).is_empty());
        let asked = Plan { sizes: Some(vec![1 << 20, 0, 64, 64]), ..plan };
        assert_eq!(asked.sizes_of(udp), [64]);
        assert_eq!(asked.refused_sizes(udp), [1 << 20, 0]);
    }

    #[test]
    fn a_mechanism_of_tiny_messages_is_not_left_out_unless_sizes_are_asked_for() {
        let tiny = Mechanism { sizes: || 4..=4, ..Mechanism::BLOCKING };
        let plan = Plan::new(Effort::Quick);
        assert_eq!(plan.sizes_of(&tiny), [4]);
        let asked = Plan { sizes: Some(vec![64]), ..plan };
        assert!(asked.sizes_of(&tiny).is_empty());
    }

    #[test]
    fn a_lock_is_measured_whatever_sizes_are_asked_for() {
        let plan = Plan { sizes: Some(vec![64]), ..Plan::new(Effort::Quick) };
        assert_eq!(plan.sizes_of(&Mechanism::LOCK), [0]);
        assert!(plan.refused_sizes(&Mechanism::LOCK).is_empty());
    }
}
