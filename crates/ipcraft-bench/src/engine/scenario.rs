//! The units of a run: groups of scenarios, and what has been measured of each.

use std::collections::BTreeMap;

use super::measured::Measured;
use crate::mechanism::Mechanism;
use crate::placement::{CpuPair, Placement};
use crate::process::{Failure, Spinners};
use crate::results::Distance;
use crate::workload::{Slice, Workload};

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
        for subject in self.scenarios.iter_mut().flat_map(|scenario| &mut scenario.subjects) {
            subject.error.get_or_insert_with(|| failure.to_string());
        }
    }

    /// Adds what one launch measured, in the order of the scenarios.
    pub(crate) fn add(&mut self, distance: Option<Distance>, launch: Vec<Measured>) {
        for (scenario, measured) in self.scenarios.iter_mut().zip(launch) {
            let count = scenario.subjects.len();
            scenario.measured.entry(distance).or_insert_with(|| Measured::new(count)).append(measured);
        }
    }
}

/// One workload at one size, and what has been measured of each implementation.
pub(crate) struct Scenario {
    pub(crate) workload: Workload,
    pub(crate) size: usize,
    /// In the order of the mechanism's implementations.
    pub(crate) subjects: Vec<Subject>,
    /// The slice of the latest launch, from which the next one starts.
    pub(crate) slice: Option<Slice>,
    /// The launches by the distance of the cores; that is `None` unless there are two.
    pub(crate) measured: BTreeMap<Option<Distance>, Measured>,
}

/// What is known of one implementation besides samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) syscalls_per_message: Option<f64>,
    /// Why the measurement ended.
    pub(crate) error: Option<String>,
}

impl Scenario {
    pub(crate) fn new(mechanism: &Mechanism, workload: Workload, size: usize) -> Scenario {
        Scenario {
            workload,
            size,
            subjects: vec![Subject::default(); mechanism.implementations.len()],
            slice: None,
            measured: BTreeMap::new(),
        }
    }

    /// Returns whether all implementations have failed.
    pub(crate) fn failed(&self) -> bool {
        self.subjects.iter().all(|subject| subject.error.is_some())
    }
}
