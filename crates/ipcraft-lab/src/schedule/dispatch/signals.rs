//! Switching by `SIGSTOP` and `SIGCONT`.

use ipcraft::signal::Signal;

use super::board::Word;
use super::process::Process;

/// Lets the job run.
pub(super) fn resume(process: &Process<'_>) {
    process.desk.set(Word::MayRun, 1);
    // A job that was killed is noticed by its pidfd.
    let _ = process.pidfd.send_signal(Signal::CONT);
}

/// Keeps the job from the core, and returns when it has left it.
pub(super) fn suspend(process: &Process<'_>) {
    let _ = process.pidfd.send_signal(Signal::STOP);
    confirm(process);
}

/// Returns when a job that stops itself has done so, or has ended.
pub(super) fn confirm(process: &Process<'_>) {
    // A signal that stops cannot be blocked or ignored, so this ends. An error means that the job
    // has ended, which its pidfd reports, too.
    let _ = process.pidfd.wait_stopped();
    process.desk.set(Word::MayRun, 0);
}
