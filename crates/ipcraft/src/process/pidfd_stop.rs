//! Waiting through a pidfd until a child stops or continues.

use std::os::fd::AsFd;
use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;
use nix::poll::PollFlags;

use super::PidFd;
use crate::error::{Error, ErrorKind, Result};
use crate::signal::Signal;
use crate::support::backoff::Backoff;
use crate::support::wait;
use crate::sys::pidfd::{self, Change};
use crate::sys::{poll, retry};
use crate::time::Deadline;

const WAIT: &str = "waitid(P_PIDFD)";

impl PidFd {
    /// `waitid(2)` with `WSTOPPED`: blocks until a signal has stopped the child, and returns that
    /// signal.
    ///
    /// Returns immediately if the child is stopped already, as often as it is called. The report
    /// stays in the kernel (`WNOWAIT`), and ends when `SIGCONT` is sent. A `waitpid` with
    /// `WUNTRACED` elsewhere takes it away; this call then waits for the next stop.
    ///
    /// All threads of the child are stopping by then. The last one may still leave its core for
    /// some microseconds.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](ErrorKind::Disconnected) if the child ends instead. It is not reaped:
    ///   [`wait`](PidFd::wait) returns its status.
    /// * [`Invalid`](ErrorKind::Invalid) if the process is not a child of this one.
    /// * [`WouldBlock`](ErrorKind::WouldBlock) if the descriptor was created with `PIDFD_NONBLOCK`,
    ///   which this library never sets.
    #[doc(alias = "waitid")]
    #[doc(alias = "WSTOPPED")]
    #[doc(alias = "WUNTRACED")]
    pub fn wait_stopped(&self) -> Result<Signal> {
        self.change(libc::WSTOPPED, 0).map_err(|e| self.change_error(e)).and_then(stop_signal)
    }

    /// `waitid(2)` with `WNOHANG`: as [`wait_stopped`](PidFd::wait_stopped), but fails with
    /// [`WouldBlock`](ErrorKind::WouldBlock) instead of blocking.
    pub fn try_wait_stopped(&self) -> Result<Signal> {
        self.change(libc::WSTOPPED, libc::WNOHANG).map_err(|e| self.change_error(e)).and_then(stop_signal)
    }

    /// As [`wait_stopped`](PidFd::wait_stopped), but fails with [`TimedOut`](ErrorKind::TimedOut)
    /// if the child does not stop within `timeout`.
    ///
    /// The kernel has no timed wait for this. The call polls, every 5 ms at the latest.
    pub fn wait_stopped_timeout(&self, timeout: Duration) -> Result<Signal> {
        self.change_within(libc::WSTOPPED, timeout).and_then(stop_signal)
    }

    /// `waitid(2)` with `WCONTINUED`: blocks until `SIGCONT` has continued the child after a stop.
    ///
    /// Returns immediately if it was continued and has not stopped again, as often as it is called.
    /// The report stays in the kernel (`WNOWAIT`), and ends when the next stop takes effect. A
    /// `waitpid` with `WCONTINUED` elsewhere takes it away. A child that never stopped was not
    /// continued either, so the call blocks.
    ///
    /// # Errors
    ///
    /// As [`wait_stopped`](PidFd::wait_stopped).
    #[doc(alias = "WCONTINUED")]
    pub fn wait_continued(&self) -> Result<()> {
        self.change(libc::WCONTINUED, 0).map_err(|e| self.change_error(e)).map(drop)
    }

    /// `waitid(2)` with `WNOHANG`: as [`wait_continued`](PidFd::wait_continued), but fails with
    /// [`WouldBlock`](ErrorKind::WouldBlock) instead of blocking.
    pub fn try_wait_continued(&self) -> Result<()> {
        self.change(libc::WCONTINUED, libc::WNOHANG).map_err(|e| self.change_error(e)).map(drop)
    }

    /// As [`wait_continued`](PidFd::wait_continued), but fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if the child is not continued within `timeout`.
    ///
    /// The kernel has no timed wait for this. The call polls, every 5 ms at the latest.
    pub fn wait_continued_timeout(&self, timeout: Duration) -> Result<()> {
        self.change_within(libc::WCONTINUED, timeout).map(drop)
    }

    /// Returns the signal of a stop, or 0 of a continuation.
    fn change(&self, wanted: c_int, options: c_int) -> nix::Result<c_int> {
        match retry(|| pidfd::wait_change(self.as_fd(), wanted | options))? {
            Change::Ended => Err(Errno::ESRCH),
            Change::Stopped(signal) => Ok(signal),
            Change::Continued => Ok(0),
        }
    }

    fn change_within(&self, wanted: c_int, timeout: Duration) -> Result<c_int> {
        let mut backoff = Backoff::new();
        wait::attempt_between(
            timeout,
            || self.change(wanted, libc::WNOHANG),
            |deadline| Ok(backoff.sleep(deadline)),
        )
        .map_err(|e| self.change_error(e))
    }

    /// `ECHILD` has two causes: the child was reaped elsewhere, or the process is not a child.
    #[cold]
    fn change_error(&self, errno: Errno) -> Error {
        let error = Error::from_wait_errno(WAIT, errno);
        match errno {
            Errno::ECHILD if !self.is_readable() => error
                .with_kind(ErrorKind::Invalid)
                .with_hint("wait in the parent, or poll the state of the process"),
            Errno::ECHILD | Errno::ESRCH => error
                .with_kind(ErrorKind::Disconnected)
                .with_hint("get its exit status with wait; the process has ended"),
            _ => error,
        }
    }

    fn is_readable(&self) -> bool {
        poll::wait_ready(self.as_fd(), PollFlags::POLLIN, Deadline::after(Duration::ZERO)) == Ok(true)
    }
}

/// A tracer's stop carries an event above the signal (ptrace(2)).
fn stop_signal(status: c_int) -> Result<Signal> {
    const SIGNAL_BITS: c_int = 0x7f;
    Signal::from_number(status & SIGNAL_BITS)
}
