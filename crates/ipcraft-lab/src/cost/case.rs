//! What is measured, one sample at a time.

use std::time::Duration;

use ipcraft_bench::{CpuPair, Placement};
use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use super::creation::{self, Creation};
use super::limit::{self, Limit};
use super::ring::{self, Ring};
use super::{Unit, room};
use crate::worker::{self, Team};
use crate::{Error, cost};

const MAX_TIME: Duration = Duration::from_secs(60);

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A call of a function.
    Call,
    /// A switch from one unit to the next one in a ring.
    Switch(Unit),
    /// sched_yield(2) of two threads.
    Yield,
    /// The creation and the end of a unit.
    Create(Creation),
}

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What is timed.
    pub what: What,
    /// Where it runs.
    pub placement: Placement,
    /// The units in the ring.
    pub members: usize,
    /// The bytes that each unit reads and writes in its turn. Their time without a switch is
    /// subtracted.
    pub working_set: usize,
}

/// The units in rings of different size.
const RINGS: [usize; 5] = [2, 10, 100, 1000, 10_000];
/// The units in a ring with a working set: lmbench uses as few.
const WORKING_RING: usize = 8;
const WORKING_SETS: [usize; 3] = [0, 16 << 10, 64 << 10];

impl Case {
    /// Returns a case on one core without a working set.
    pub fn new(what: What, members: usize) -> Case {
        Case { what, placement: Placement::SameCore, members, working_set: 0 }
    }

    /// Takes one sample, in nanoseconds. Fails with the limit that prevents it.
    pub(super) fn sample(&self) -> Result<Result<f64, Limit>, Error> {
        let unit = self.unit();
        if let Some(limit) = unit.and_then(|unit| room::too_little_memory(unit, self.members)) {
            return Ok(Err(limit));
        }
        let cpus = worker::cpus(self.placement).ok_or(Error::Failed(nix::Error::ENODEV))?;
        let shared = Shared::new()?;
        let ring = Ring::new(self.members, self.working_set, cpus)?;
        let team = Team::start(&shared, one(cpus), &[0], &|_, desk| match self.run(&ring) {
            Ok(ns) => desk.report(0, (ns * 1000.0) as u64 + 1),
            Err(errno) => limit::behind(unit.unwrap_or(Unit::Thread), errno).report(desk),
        })?;
        if !team.ends_within(MAX_TIME) {
            return Err(Error::Failed(nix::Error::ETIME));
        }
        let desk = team.desk(0);
        match (desk.figure(0), Limit::reported(desk)) {
            (0, None) => Err(Error::Failed(nix::Error::ECHILD)),
            (_, Some(limit)) => Ok(Err(limit)),
            (ps, None) => Ok(Ok((ps - 1) as f64 / 1000.0)),
        }
    }

    fn unit(&self) -> Option<Unit> {
        match self.what {
            What::Switch(unit) => Some(unit),
            What::Create(creation) => Some(creation.unit()),
            What::Call | What::Yield => None,
        }
    }

    /// Runs in a process of its own.
    fn run(&self, ring: &Ring) -> nix::Result<f64> {
        match self.what {
            What::Call => Ok(ring::calls()),
            What::Yield => ring::yields(),
            What::Switch(unit) => ring.switches(unit),
            What::Create(creation) => creation::time(creation),
        }
    }
}

/// The process that takes the sample runs on the first core; it binds others itself.
fn one(cpus: CpuPair) -> CpuPair {
    CpuPair { client: cpus.client, server: cpus.client }
}

/// Returns all cases of a run.
pub fn cases(two_cores: bool) -> Vec<Case> {
    let mut cases = vec![Case::new(What::Call, 1), Case::new(What::Yield, 2)];
    for unit in cost::Unit::ALL {
        cases.extend(RINGS.map(|members| Case::new(What::Switch(unit), members)));
        cases.extend(
            WORKING_SETS
                .map(|working_set| Case { working_set, ..Case::new(What::Switch(unit), WORKING_RING) }),
        );
        if two_cores && matches!(unit, Unit::Thread | Unit::Process) {
            cases.push(Case { placement: Placement::TwoCores, ..Case::new(What::Switch(unit), 2) });
        }
    }
    cases.extend(Creation::ALL.map(|creation| Case::new(What::Create(creation), 1)));
    cases
}
