//! A process with three threads beside a process with one. The kernel shares the core among what it
//! schedules: processes or threads.

use std::time::{Duration, Instant};

use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

use super::{Level, one_core, run};
use crate::Error;
use crate::worker::Team;

/// Some hundred time slices.
const TIME: Duration = Duration::from_secs(1);
const MAX_TIME: Duration = Duration::from_secs(30);
/// A user-level thread suspends itself after this many checks of the clock.
const CHECKS_PER_TURN: u32 = 100;

/// The CPU time of two processes on one core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// What ran the threads.
    pub level: Level,
    /// Of the process with three threads, in nanoseconds.
    pub three_ns: u64,
    /// Of the process with one thread, in nanoseconds.
    pub one_ns: u64,
}

impl Share {
    /// Returns the percentage of the process with three threads.
    pub fn percent_of_three(&self) -> f64 {
        self.three_ns as f64 * 100.0 / (self.three_ns + self.one_ns).max(1) as f64
    }
}

/// Lets a process with three threads compute beside a process with one thread, on one core.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started, or takes half a minute.
pub fn share(level: Level) -> Result<Share, Error> {
    let shared = Shared::new()?;
    let team = Team::start(&shared, one_core()?, &[0, 1], &|me, desk| {
        let end = Instant::now() + TIME;
        run(level, if me == 0 { 3 } else { 1 }, move |_, turn| {
            while Instant::now() < end {
                for _ in 0..CHECKS_PER_TURN {
                    std::hint::black_box(Instant::now());
                }
                turn.end();
            }
        });
        desk.report(0, 1);
    })?;
    if !team.ends_within(MAX_TIME) || (0..2).any(|me| team.desk(me).figure(0) != 1) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    Ok(Share { level, three_ns: team.usage(0).0, one_ns: team.usage(1).0 })
}
