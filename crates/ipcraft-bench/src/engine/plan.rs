//! What to measure, and for how long.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::catalog;
use crate::mechanism::Mechanism;
use crate::placement::{Cores, Placement};
use crate::workload::Workload;

/// The sizes of a mechanism that carries no data.
const NO_DATA: RangeInclusive<usize> = 0..=0;

/// Of 11 launches, the second smallest and the second greatest bound the interval of a ratio: one
/// odd launch does not widen it. More launches would be shorter ones.
const MAX_LAUNCHES: usize = 11;

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// One size; takes less than 20 seconds.
    Quick,
    /// Three sizes; takes less than a minute.
    Default,
    /// Seven sizes from 1 B to 1 MiB and all workloads; takes minutes.
    Full,
}

impl Preset {
    /// Returns the time of a whole run, whatever the number of mechanisms.
    pub fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Preset::Quick => 14,
            Preset::Default => 45,
            Preset::Full => 300,
        })
    }

    /// Returns the message sizes, where the mechanism carries them.
    pub fn sizes(self) -> &'static [usize] {
        match self {
            Preset::Quick => &[64],
            Preset::Default => &[64, 4096, 65_536],
            Preset::Full => &[1, 8, 64, 1024, 4096, 65_536, 1 << 20],
        }
    }

    /// Returns the workloads, where the mechanism supports them.
    pub fn workloads(self) -> &'static [Workload] {
        match self {
            Preset::Quick | Preset::Default => {
                &[Workload::RoundTrip, Workload::Stream, Workload::Uncontended, Workload::Contended]
            }
            Preset::Full => Workload::ALL,
        }
    }
}

/// What to measure. The limits are measured in any case.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The mechanisms.
    pub mechanisms: Vec<&'static Mechanism>,
    /// The message sizes. `None` means those of the preset, of which each mechanism gets at least
    /// one.
    pub sizes: Option<Vec<usize>>,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// The placements.
    pub placements: Vec<Placement>,
    /// The cores to use. `None` leaves the choice to [`Cores::of_this_process`].
    pub cores: Option<Cores>,
    /// Selects the sizes if none are given.
    pub preset: Preset,
    /// The time for the whole run.
    pub budget: Duration,
    /// How often all processes are started anew at most. There are fewer launches if the budget
    /// would leave too little time for each.
    pub launches: usize,
    /// A peer that is silent for longer has failed.
    pub timeout: Duration,
}

impl Plan {
    /// Returns a plan for all mechanisms.
    pub fn new(preset: Preset) -> Plan {
        Plan {
            mechanisms: catalog::mechanisms().to_vec(),
            sizes: None,
            workloads: preset.workloads().to_vec(),
            placements: Placement::ALL.to_vec(),
            cores: None,
            preset,
            budget: preset.budget(),
            launches: MAX_LAUNCHES,
            timeout: Duration::from_secs(20),
        }
    }

    /// Returns the sizes to measure a mechanism at. If it carries none of the preset's sizes, that
    /// is the nearest one; if it carries none of the requested sizes, it is left out.
    pub(crate) fn sizes_of(&self, mechanism: &Mechanism) -> Vec<usize> {
        let range = (mechanism.sizes)();
        if range == NO_DATA {
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

    /// Returns the requested sizes that a mechanism does not carry.
    pub(crate) fn refused_sizes(&self, mechanism: &Mechanism) -> Vec<usize> {
        let range = (mechanism.sizes)();
        let requested = self.sizes.iter().flatten().copied();
        requested.filter(|size| range != NO_DATA && !range.contains(size)).collect()
    }

    fn wanted_sizes(&self) -> &[usize] {
        self.sizes.as_deref().unwrap_or(self.preset.sizes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_returns_the_sizes_that_fit() {
        let udp = catalog::find("udp").unwrap();
        let plan = Plan::new(Preset::Full);
        assert_eq!(plan.sizes_of(udp), [1, 8, 64, 1024, 4096]);
        assert!(plan.refused_sizes(udp).is_empty());
        let requested = Plan { sizes: Some(vec![1 << 20, 0, 64, 64]), ..plan };
        assert_eq!(requested.sizes_of(udp), [64]);
        assert_eq!(requested.refused_sizes(udp), [1 << 20, 0]);
    }

    #[test]
    fn sizes_of_takes_the_nearest_unless_sizes_are_requested() {
        let tiny = Mechanism { sizes: || 4..=4, ..Mechanism::BLOCKING };
        let plan = Plan::new(Preset::Quick);
        assert_eq!(plan.sizes_of(&tiny), [4]);
        let requested = Plan { sizes: Some(vec![64]), ..plan };
        assert!(requested.sizes_of(&tiny).is_empty());
    }

    #[test]
    fn sizes_of_lock_ignores_requested_sizes() {
        let plan = Plan { sizes: Some(vec![64]), ..Plan::new(Preset::Quick) };
        assert_eq!(plan.sizes_of(&Mechanism::LOCK), [0]);
        assert!(plan.refused_sizes(&Mechanism::LOCK).is_empty());
    }
}
