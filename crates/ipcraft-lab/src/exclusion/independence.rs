//! Whether a process that is outside blocks the other one.

use std::time::Duration;

use ipcraft_bench::Placement;
use ipcraft_step::{Child, Shared};
use nix::sys::signal::{Signal, raise};

use super::entrance::{Entrance, Locks};
use crate::Error;
use crate::algorithm::Algorithm;
use crate::variables::{Layout, Phase, Variables};
use crate::worker::{self, Team};

/// How often the other process tries to enter.
pub const TRIES: u64 = 1000;

/// Checks before a process that cannot enter gives up.
const MAX_CHECKS: u64 = 1_000_000;
/// A bound on the time of all tries.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What became of the process that is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// It was stopped by `SIGSTOP`.
    Stopped,
    /// It was killed by `SIGKILL`.
    Killed,
}

/// Returns how often of [`TRIES`] process 0 entered while process 1 was outside and absent.
pub(super) fn beside(algorithm: &'static Algorithm, absence: Absence) -> Result<u64, Error> {
    let cpus = worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let shared = Shared::new()?;
    let absent = Child::try_start(|| {
        Variables::new(&shared, Layout::OwnLines).enter_phase(1, Phase::Outside);
        let signal = if absence == Absence::Stopped { Signal::SIGSTOP } else { Signal::SIGKILL };
        let _ = raise(signal);
    })?;
    if absent.wait_stopped() != (absence == Absence::Stopped) {
        return Err(Error::Failed(nix::Error::ECHILD));
    }
    let locks = Locks::of(algorithm)?;
    let team = Team::start(&shared, cpus, &[0], &|me, desk| {
        let variables = Variables::new(&shared, Layout::OwnLines);
        let mut entrance = Entrance::new(algorithm, variables, me, &locks);
        let entered = (0..TRIES).take_while(|_| enters(&mut entrance)).count();
        desk.report(0, entered as u64);
    })?;
    if !team.ends_within(MAX_TIME) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    Ok(team.desk(0).figure(0))
}

/// Enters and leaves. Returns false if that is not possible after many checks.
fn enters(entrance: &mut Entrance<'_>) -> bool {
    entrance.announce();
    let entered = entrance.enter(MAX_CHECKS);
    if entered {
        entrance.leave();
    }
    entered
}
