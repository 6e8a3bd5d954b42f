//! Switching by `SIGSTOP` and `SIGCONT`.

use std::thread::yield_now;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::signal::Signal;

use super::board::Word;
use super::process::Process;
use super::{MAX_SILENCE, RunError};

/// A job on another core stops within some 10 us. Each check takes about 1 us.
const QUICK_CHECKS: u32 = 50;
/// After this time the job is stopped again: another process may have continued it.
const REPEAT: Duration = Duration::from_millis(50);

/// Lets the job run.
pub(super) fn resume(process: &Process<'_>) {
    process.desk.set(Word::MayRun, 1);
    // A job that was killed is noticed by its pidfd.
    let _ = process.pidfd.send_signal(Signal::CONT);
}

/// Keeps the job from the core, and returns when it has stopped or ended.
pub(super) fn suspend(process: &Process<'_>) -> Result<(), RunError> {
    let _ = process.pidfd.send_signal(Signal::STOP);
    confirm(process)
}

/// Returns when a job that stops itself has done so, or has ended.
pub(super) fn confirm(process: &Process<'_>) -> Result<(), RunError> {
    let deadline = Instant::now() + MAX_SILENCE;
    let mut stopped = (0..QUICK_CHECKS).any(|_| {
        yield_now();
        !waits(process.pidfd.try_wait_stopped().err())
    });
    while !stopped {
        stopped = !waits(process.pidfd.wait_stopped_timeout(REPEAT).err());
        if !stopped && Instant::now() > deadline {
            return Err(process.silent("to stop"));
        }
        if !stopped {
            let _ = process.pidfd.send_signal(Signal::STOP);
        }
    }
    process.desk.set(Word::MayRun, 0);
    Ok(())
}

/// Any other error means that the job has ended, which its pidfd reports, too.
fn waits(error: Option<ipcraft::Error>) -> bool {
    error.is_some_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}
