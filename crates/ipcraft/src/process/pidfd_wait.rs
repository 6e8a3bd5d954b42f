//! Waiting for the end of a process through a pidfd.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;

use super::{Exit, PidFd};
use crate::error::{Error, Result};
use crate::support::backoff::Backoff;
use crate::support::wait;
use crate::sys::{pidfd, poll, retry};
use crate::time::Deadline;

const WAIT: &str = "waitid(P_PIDFD)";

impl PidFd {
    /// `waitid(2)` with `P_PIDFD`: blocks until the process has ended.
    ///
    /// Reaps a child and returns its status. The id of the child is free afterwards, so do not use
    /// its [`Child`](std::process::Child) any more: its `kill` and `wait` use the id.
    ///
    /// If the process is not a child, or was reaped elsewhere, this waits for its end in
    /// `ppoll(2)`. The status is then known from Linux 6.15 on, after the parent has reaped the
    /// process. Before that it is [`Exit::Unknown`], and a later call may return the status.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) if the descriptor was created with
    /// `PIDFD_NONBLOCK`, which this library never sets.
    #[doc(alias = "waitid")]
    #[doc(alias = "P_PIDFD")]
    pub fn wait(&self) -> Result<Exit> {
        self.wait_exit(0, Deadline::NEVER).map_err(|e| Error::from_wait_errno(WAIT, e))
    }

    /// `waitid(2)` with `WNOHANG`: as [`wait`](PidFd::wait), but fails with
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) instead of blocking.
    #[doc(alias = "WNOHANG")]
    pub fn try_wait(&self) -> Result<Exit> {
        self.try_exit().map_err(|e| Error::from_wait_errno(WAIT, e))
    }

    /// As [`wait`](PidFd::wait), but fails with [`TimedOut`](crate::ErrorKind::TimedOut) if the
    /// process does not end within `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Exit> {
        let (mut has_ended, mut backoff) = (false, Backoff::new());
        let pause = |deadline| {
            // The kernel withholds the status of a traced child until its tracer has waited for it.
            if has_ended {
                return Ok(backoff.sleep(deadline));
            }
            has_ended = poll::wait_ready(self.as_fd(), PollFlags::POLLIN, deadline)?;
            Ok(has_ended)
        };
        wait::attempt_between(timeout, || self.try_exit(), pause).map_err(|e| Error::from_wait_errno(WAIT, e))
    }

    /// `poll(2)`: returns whether all threads of the process have ended. Does not reap it.
    ///
    /// `false` may be outdated when the call returns; `true` is permanent.
    pub fn has_ended(&self) -> Result<bool> {
        poll::wait_ready(self.as_fd(), PollFlags::POLLIN, Deadline::after(Duration::ZERO))
            .map_err(|e| Error::from_errno("poll", e))
    }

    fn try_exit(&self) -> nix::Result<Exit> {
        self.wait_exit(libc::WNOHANG, Deadline::after(Duration::ZERO))
    }

    fn wait_exit(&self, options: libc::c_int, deadline: Deadline) -> nix::Result<Exit> {
        match retry(|| pidfd::wait(self.as_fd(), options)) {
            Err(Errno::ECHILD) => self.wait_non_child(deadline),
            status => status.map(Exit::Status),
        }
    }

    /// Waits for a process that the caller cannot reap.
    fn wait_non_child(&self, deadline: Deadline) -> nix::Result<Exit> {
        if !poll::wait_ready(self.as_fd(), PollFlags::POLLIN, deadline)? {
            return Err(Errno::EAGAIN);
        }
        Ok(pidfd::exit_status(self.as_fd()).map_or(Exit::Unknown, Exit::Status))
    }
}
