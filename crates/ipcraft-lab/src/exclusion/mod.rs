//! The four conditions of mutual exclusion, measured on processes that run at full speed.
//!
//! 1. Never two processes are inside.
//! 2. That holds at any speed, and for any number of CPUs.
//! 3. A process that is outside blocks no other.
//! 4. No process waits without end.

mod contend;
mod entrance;
mod handover;
mod independence;

use std::time::{Duration, Instant};

use ipcraft_bench::Placement;
use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use entrance::{Entrance, Locks};

use crate::algorithm::Algorithm;
use crate::variables::{Layout, Variables};
use crate::worker::{self, Team};
use crate::{Error, Skipped};

pub use contend::{Bounds, Contention, Ending, contend};
pub use handover::Handover;
pub use independence::TRIES;

/// The entries after which a cost is known well enough.
const ALONE_ENTRIES: u64 = 1_000_000;

/// How two processes share the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speed {
    /// Each on its own core.
    TwoCores,
    /// Both on one core.
    OneCore,
    /// Each on its own core, one of them stopped for nine tenths of the time.
    OneSlow,
    /// The same, where the slow one changes every tenth of a second.
    SlowInTurns,
}

impl Speed {
    /// All of them.
    pub const ALL: [Speed; 4] = [Speed::TwoCores, Speed::OneCore, Speed::OneSlow, Speed::SlowInTurns];

    pub(crate) fn placement(self) -> Placement {
        match self {
            Speed::TwoCores | Speed::OneSlow | Speed::SlowInTurns => Placement::TwoCores,
            Speed::OneCore => Placement::SameCore,
        }
    }
}

/// What was measured of one algorithm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its id.
    pub algorithm: String,
    /// How it kept processes apart, at each speed that this machine has.
    pub contentions: Vec<Contention>,
    /// How often of [`TRIES`] a process entered while the other was stopped outside.
    pub entries_beside_stopped: u64,
    /// The same while the other had been killed outside.
    pub entries_beside_killed: u64,
    /// Nanoseconds to enter and leave without contention.
    pub alone_ns: f64,
    /// How the section passes from one process to the other, on each placement that this machine
    /// has.
    pub handovers: Vec<Handover>,
}

/// Measures all conditions of one algorithm.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started.
pub fn measure(algorithm: &'static Algorithm, bounds: Bounds) -> Result<(Measured, Vec<Skipped>), Error> {
    let (mut contentions, mut skipped) = (Vec::new(), Vec::new());
    for speed in Speed::ALL {
        match worker::cpus(speed.placement()) {
            Some(_) => contentions.push(contend(algorithm, speed, Layout::OwnLines, bounds)?),
            None => skipped.push(Skipped::new(format!("{} at {speed:?}", algorithm.id), "a second core")),
        }
    }
    let measured = Measured {
        algorithm: algorithm.id.into(),
        contentions,
        entries_beside_stopped: independence::beside(algorithm, independence::Absence::Stopped)?,
        entries_beside_killed: independence::beside(algorithm, independence::Absence::Killed)?,
        alone_ns: alone(algorithm)?,
        handovers: handover::handovers(algorithm, bounds.time)?,
    };
    Ok((measured, skipped))
}

/// Returns the nanoseconds to enter and leave when no other process does.
fn alone(algorithm: &'static Algorithm) -> Result<f64, Error> {
    const MAX_TIME: Duration = Duration::from_secs(30);
    let cpus = worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let locks = Locks::of(algorithm)?;
    let team = Team::start(&shared, cpus, &[0], &|me, desk| {
        let variables = Variables::new(&shared, Layout::OwnLines);
        let mut entrance = Entrance::new(algorithm, variables, me, &locks);
        let start = Instant::now();
        let mut entered = 0_u64;
        for _ in 0..ALONE_ENTRIES {
            entrance.announce();
            if !entrance.enter(1) {
                break;
            }
            entrance.leave();
            // Strict alternation gives the turn away; here it is given back.
            variables.turn().store(me as u64, std::sync::atomic::Ordering::Relaxed);
            entered += 1;
        }
        desk.report(0, start.elapsed().as_nanos() as u64);
        desk.report(1, entered);
    })?;
    if !team.ends_within(MAX_TIME) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    Ok(team.desk(0).figure(0) as f64 / team.desk(0).figure(1).max(1) as f64)
}
