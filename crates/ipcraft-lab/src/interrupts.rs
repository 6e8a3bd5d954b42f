//! Disabling interrupts, and what a process has instead.
//!
//! The CPU refuses the instruction to a user program, even to one of root. A process can block its
//! signals, which are its interrupts. A process of real-time priority keeps all others from its
//! core. Neither affects another core.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ipcraft_bench::Placement;
use ipcraft_step::{Child, Shared};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::wait::WaitStatus;
use serde::{Deserialize, Serialize};

use crate::instruction::{Width, disable_interrupts};
use crate::sys::{LinuxPolicy, alarm};
use crate::variables::{Layout, Variables};
use crate::worker::{self, Desk, Team};
use crate::{Error, Skipped};

/// The additions of the main program, beside a handler.
const ADDITIONS: u64 = 20_000_000;
/// The additions with the signal blocked: each takes two system calls.
const BLOCKED_ADDITIONS: u64 = 300_000;
/// Microseconds between two signals.
const SIGNAL_INTERVAL_US: i64 = 100;
/// The additions of a process of real-time priority. They take a fraction of the 0.95 s after which
/// the kernel lets others run.
const REALTIME_ADDITIONS: u64 = 5_000_000;
/// The lowest real-time priority.
const REALTIME: LinuxPolicy = LinuxPolicy::Fifo { priority: 1 };
const MAX_TIME: Duration = Duration::from_secs(60);

/// What the three ways did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupts {
    /// The signal by which the instruction that disables interrupts ended its process.
    pub instruction_ended_by: Option<String>,
    /// A program and its own signal handler add to one counter.
    pub signals: Vec<Additions>,
    /// Two processes of real-time priority add to one counter.
    pub realtime: Vec<Additions>,
}

/// How many additions were lost under some condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Additions {
    /// The condition.
    pub condition: String,
    /// The number of additions.
    pub expected: u64,
    /// The counter at the end.
    pub found: u64,
}

/// Tries all three.
///
/// # Errors
///
/// [`Error::Failed`] if a process cannot be started.
pub fn interrupts() -> Result<(Interrupts, Vec<Skipped>), Error> {
    let mut skipped = Vec::new();
    let signals = vec![beside_handler(false)?, beside_handler(true)?];
    let mut realtime = Vec::new();
    for &placement in Placement::ALL {
        match realtime_race(placement) {
            Ok(additions) => realtime.push(additions),
            Err(needs) => {
                skipped.push(Skipped::new(format!("SCHED_FIFO, {}", placement.name()), needs));
            }
        }
    }
    Ok((Interrupts { instruction_ended_by: try_instruction()?, signals, realtime }, skipped))
}

/// Returns the signal that ends a process which tries to disable interrupts.
pub(crate) fn try_instruction() -> Result<Option<String>, Error> {
    let mut child = Child::try_start(|| {
        alarm::reset_faults();
        let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
        disable_interrupts();
    })?;
    Ok(match child.wait()? {
        WaitStatus::Signaled(_, signal, _) => Some(signal.as_str().into()),
        _ => None,
    })
}

/// Lets a program add while a handler of its own adds, too.
fn beside_handler(blocked: bool) -> Result<Additions, Error> {
    let shared = Shared::new()?;
    let cpus = worker::cpus(Placement::SameCore).ok_or(Error::Failed(nix::Error::ENODEV))?;
    let team = Team::start(&shared, cpus, &[0], &|_, desk| {
        let counter = Variables::new(&shared, Layout::OneLine).counter();
        add_beside_handler(counter, blocked, desk);
    })?;
    if !team.ends_within(MAX_TIME) {
        return Err(Error::Failed(nix::Error::ETIME));
    }
    let found = Variables::new(&shared, Layout::OneLine).counter().load(Relaxed);
    let condition = if blocked { "signal blocked around each addition" } else { "signal not blocked" };
    Ok(Additions { condition: condition.into(), expected: team.desk(0).figure(0), found })
}

fn add_beside_handler(counter: &AtomicU64, blocked: bool, desk: Desk<'_>) {
    if !alarm::start(counter, SIGNAL_INTERVAL_US) {
        return;
    }
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGALRM);
    let additions = if blocked { BLOCKED_ADDITIONS } else { ADDITIONS };
    for _ in 0..additions {
        if blocked {
            let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), None);
        }
        Width::Three.add(counter);
        if blocked {
            let _ = pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&signals), None);
        }
    }
    // The last signal may be on its way.
    let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), None);
    desk.report(0, additions + alarm::stop());
}

/// Lets two processes of real-time priority add. Fails with what it needs.
fn realtime_race(placement: Placement) -> Result<Additions, String> {
    let cpus = worker::cpus(placement).ok_or("a second core")?;
    let text = |error: nix::Error| error.to_string();
    let shared = Shared::new().map_err(text)?;
    let team = Team::start(&shared, cpus, &[0, 1], &|_, desk| {
        let errno = REALTIME.set_own().err().map_or(0, |error| error.errno() as u64);
        desk.report(1, errno);
        let counter = Variables::new(&shared, Layout::OneLine).counter();
        if errno == 0 {
            for _ in 0..REALTIME_ADDITIONS {
                Width::Three.add(counter);
            }
            desk.report(0, REALTIME_ADDITIONS);
        }
    })
    .map_err(text)?;
    if !team.ends_within(MAX_TIME) {
        return Err("an idle machine: the processes took a minute".into());
    }
    if let Some(errno) = (0..2).map(|me| team.desk(me).figure(1)).find(|&errno| errno != 0) {
        let error = nix::Error::from_raw(errno as i32);
        return Err(format!("CAP_SYS_NICE or RLIMIT_RTPRIO (SCHED_FIFO): {error}"));
    }
    Ok(Additions {
        condition: format!("SCHED_FIFO, {}", placement.name()),
        expected: team.desk(0).figure(0) + team.desk(1).figure(0),
        found: Variables::new(&shared, Layout::OneLine).counter().load(Relaxed),
    })
}
