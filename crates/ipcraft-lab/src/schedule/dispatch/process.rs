//! A job process as the dispatcher sees it.

use std::time::{Duration, Instant};

use ipcraft::process::{PidFd, State as ProcessState};
use ipcraft::signal::Signal;
use ipcraft_step::Child;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use super::board::{Desk, State, Word};
use super::{MAX_SILENCE, RunError};
use crate::schedule::policy::Id;
use crate::sys::cpu_clock::CpuClock;

/// Between two checks of a process that is about to block.
const POLL: Duration = Duration::from_micros(20);

/// A job process.
#[derive(Debug)]
pub(in super::super) struct Process<'a> {
    pub(in super::super) id: Id,
    pub(in super::super) desk: Desk<'a>,
    pub(in super::super) pidfd: PidFd,
    child: Child,
    clock: CpuClock,
    /// The reports that were handled.
    handled: u64,
    /// How it ended. Its pidfd stays readable, so it is not polled any more.
    end: Option<WaitStatus>,
    /// Its CPU time at its end.
    cpu_ns: u64,
}

impl<'a> Process<'a> {
    pub(in super::super) fn new(id: Id, child: Child, desk: Desk<'a>) -> Result<Process<'a>, RunError> {
        let pidfd = PidFd::open(child.id())?;
        let clock = CpuClock::of(child.pid())?;
        Ok(Process { id, desk, pidfd, child, clock, handled: 0, end: None, cpu_ns: 0 })
    }

    pub(in super::super) fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// The CPU time of its work so far.
    pub(in super::super) fn cpu_ns(&self) -> u64 {
        let base = self.desk.get(Word::Base);
        if self.end.is_some() || base == 0 {
            return self.cpu_ns;
        }
        self.clock.ns().map_or(self.cpu_ns, |now| now.saturating_sub(base))
    }

    /// Returns what it has reported, until that is handled.
    pub(super) fn state(&self) -> State {
        if self.desk.get(Word::Reports) == self.handled { State::Computing } else { self.desk.state() }
    }

    /// Notes that the dispatcher acts on the last report.
    pub(super) fn handle(&mut self) {
        self.handled = self.desk.get(Word::Reports);
    }

    pub(super) fn end(&self) -> Option<WaitStatus> {
        self.end
    }

    /// Returns whether it has ended, by itself or not. Reaps it if so.
    pub(in super::super) fn has_ended(&mut self) -> bool {
        if self.end.is_none() && self.child.has_ended() {
            self.reap();
        }
        self.end.is_some()
    }

    /// Waits for its end, which it has reported.
    pub(super) fn finish(&mut self) {
        // A dispatcher that was faster than the exit has stopped it.
        let _ = self.pidfd.send_signal(Signal::CONT);
        if self.end.is_none() {
            self.reap();
        }
    }

    fn reap(&mut self) {
        let deadline = Instant::now() + MAX_SILENCE;
        while !self.child.has_ended() && Instant::now() < deadline {
            let _ = self.pidfd.send_signal(Signal::CONT);
            std::thread::sleep(POLL);
        }
        // The exit itself takes time, too.
        let has_finished = self.desk.state() == State::Ended;
        self.cpu_ns = if has_finished { self.desk.get(Word::Used) } else { self.cpu_ns() };
        self.end = self.child.wait().ok();
    }

    /// Blocks until it sleeps in the kernel, as it reported that it would. Returns false if it has
    /// ended instead.
    pub(super) fn wait_blocked(&mut self) -> Result<bool, RunError> {
        let deadline = Instant::now() + MAX_SILENCE;
        while !self.has_ended() {
            match self.pidfd.state() {
                Ok(ProcessState::Sleeping | ProcessState::DiskSleep | ProcessState::Stopped) => {
                    return Ok(true);
                }
                _ if Instant::now() > deadline => return Err(self.silent("to block")),
                _ => std::thread::sleep(POLL),
            }
        }
        Ok(false)
    }

    /// Continues it, if another process has stopped it. Returns whether that was so.
    pub(super) fn continue_if_stopped(&self) -> bool {
        let is_stopped = self.pidfd.try_wait_stopped().is_ok() && self.state() == State::Computing;
        if is_stopped {
            let _ = self.pidfd.send_signal(Signal::CONT);
        }
        is_stopped
    }

    pub(super) fn silent(&self, what: &'static str) -> RunError {
        RunError::Silent { job: self.id, what }
    }
}
