//! Switching by `SCHED_FIFO`: the kernel switches at the change of a priority, at a block and at an
//! exit.
//!
//! The dispatcher has the highest priority, on the same core. So it runs as soon as a job reports,
//! before any other job does.

use ipcraft::signal::Signal;

use super::RunError;
use super::board::Word;
use super::process::Process;
use crate::sys::LinuxPolicy;

const DISPATCHER: LinuxPolicy = LinuxPolicy::Fifo { priority: 3 };
const RUNNING: LinuxPolicy = LinuxPolicy::Fifo { priority: 2 };
const WAITING: LinuxPolicy = LinuxPolicy::Fifo { priority: 1 };

/// Gives the calling thread the highest priority.
pub(super) fn become_dispatcher() -> Result<(), RunError> {
    Ok(DISPATCHER.set_own()?)
}

/// Lets the job run.
pub(super) fn resume(process: &Process<'_>) {
    process.desk.set(Word::MayRun, 1);
    let _ = RUNNING.set(process.pid());
    // It was stopped before its first run, or by another process.
    let _ = process.pidfd.send_signal(Signal::CONT);
}

/// Keeps the job from the core: it has left that, as this thread runs on it.
pub(super) fn suspend(process: &Process<'_>) {
    let _ = WAITING.set(process.pid());
    process.desk.set(Word::MayRun, 0);
}
