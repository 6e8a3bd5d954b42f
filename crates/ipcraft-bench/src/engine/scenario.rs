//! The units of a run: groups of scenarios, and what has been measured of each.

use super::samples::Samples;
use crate::mechanism::Mechanism;
use crate::placement::{CpuPair, Placement};
use crate::process::{Failure, Spinners};
use crate::workload::Workload;

/// One mechanism at one placement.
pub(crate) struct BenchmarkGroup {
    pub(crate) mechanism: &'static Mechanism,
    /// `None` for workloads of a single process.
    pub(crate) placement: Option<Placement>,
    pub(crate) cpus: CpuPair,
    pub(crate) scenarios: Vec<Scenario>,
}

impl BenchmarkGroup {
    /// The name in progress messages and notes.
    pub(crate) fn label(&self) -> String {
        match self.placement {
            Some(placement) => format!("{} {}", self.mechanism.id, placement.name()),
            None => self.mechanism.id.into(),
        }
    }

    /// The share of time that this group needs, relative to others.
    pub(crate) fn weight(&self) -> f64 {
        (self.scenarios.len() * self.mechanism.implementations.len()) as f64
    }

    /// Starts the spinners that keep the cores awake, if the mechanism asks for them.
    pub(crate) fn start_spinners(&self) -> Result<Option<Spinners>, Failure> {
        if !self.mechanism.keep_cores_awake {
            return Ok(None);
        }
        Ok(Some(Spinners::start(self.cpus)?))
    }

    /// Records one failure for all rows of the group.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        for samples in self.scenarios.iter_mut().flat_map(|scenario| &mut scenario.samples) {
            samples.error.get_or_insert_with(|| failure.to_string());
        }
    }
}

/// One workload at one size, and what has been measured of each implementation.
pub(crate) struct Scenario {
    pub(crate) workload: Workload,
    pub(crate) size: usize,
    /// In the order of the mechanism's implementations.
    pub(crate) samples: Vec<Samples>,
    /// Time of the library's slice relative to the neighbouring slice of the baseline.
    pub(crate) ratios: Vec<f64>,
    /// Time of each implementation's slices relative to those of the plain lock beside them.
    pub(crate) ratios_to_plain: Vec<Vec<f64>>,
}

impl Scenario {
    pub(crate) fn new(mechanism: &Mechanism, workload: Workload, size: usize) -> Scenario {
        Scenario {
            workload,
            size,
            samples: vec![Samples::new(); mechanism.implementations.len()],
            ratios: Vec::new(),
            ratios_to_plain: vec![Vec::new(); mechanism.implementations.len()],
        }
    }

    /// Returns whether all implementations have failed.
    pub(crate) fn failed(&self) -> bool {
        self.samples.iter().all(|samples| samples.error.is_some())
    }
}
