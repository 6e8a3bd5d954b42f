//! Waiting for the end.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;

use super::{Exit, PidFd};
use crate::error::{Error, Result};
use crate::support::backoff::Backoff;
use crate::support::wait;
use crate::sys::poll;
use crate::sys::{pidfd, retry};
use crate::time::Deadline;

const WAIT: &str = "waitid(P_PIDFD)";

impl PidFd {
    /// `waitid(2)` with `P_PIDFD`: waits until the process has ended.
    ///
    /// A child is reaped, its status is known, and its id is free from then on: so do not use its
    /// [`Child`](std::process::Child) any more, whose `kill` and `wait` go by the id. If somebody else has reaped it,
    /// or it is no child of this process, the end alone is waited for, in `ppoll(2)`; how it ended the kernel then
    /// tells from Linux 6.15 on, and only when its parent has waited for it: ask again later.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) only if the descriptor was made with `PIDFD_NONBLOCK`, by somebody
    /// else than this library.
    #[doc(alias = "waitid")]
    #[doc(alias = "P_PIDFD")]
    pub fn wait(&self) -> Result<Exit> {
        self.end(0, Deadline::NEVER).map_err(|e| Error::from_wait_errno(WAIT, e))
    }

    /// `waitid(2)` with `WNOHANG`: [`wait`](PidFd::wait) that fails with
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) instead of waiting.
    #[doc(alias = "WNOHANG")]
    pub fn try_wait(&self) -> Result<Exit> {
        self.end_now().map_err(|e| Error::from_wait_errno(WAIT, e))
    }

    /// [`wait`](PidFd::wait) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if the process does not end
    /// within `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Exit> {
        let (mut has_ended, mut backoff) = (false, Backoff::new());
        let pause = |deadline| {
            // The status of a child that somebody else traces is kept back until the tracer has taken note of the end.
            if has_ended {
                return Ok(backoff.sleep(deadline));
            }
            has_ended = poll::wait_ready(self.as_fd(), PollFlags::POLLIN, deadline)?;
            Ok(has_ended)
        };
        wait::attempt_between(timeout, || self.end_now(), pause).map_err(|e| Error::from_wait_errno(WAIT, e))
    }

    /// `poll(2)`: whether the process has ended, all its threads included. Reaps nothing.
    ///
    /// A false may be stale as soon as it is returned; a true is for ever.
    pub fn has_ended(&self) -> Result<bool> {
        poll::wait_ready(self.as_fd(), PollFlags::POLLIN, Deadline::after(Duration::ZERO))
            .map_err(|e| Error::from_errno("poll", e))
    }

    fn end_now(&self) -> nix::Result<Exit> {
        self.end(libc::WNOHANG, Deadline::after(Duration::ZERO))
    }

    fn end(&self, options: libc::c_int, deadline: Deadline) -> nix::Result<Exit> {
        match retry(|| pidfd::wait(self.as_fd(), options)) {
            Err(Errno::ECHILD) => self.end_of_another(deadline),
            status => status.map(Exit::Status),
        }
    }

    /// The end of a process that is not this one's to reap.
    fn end_of_another(&self, deadline: Deadline) -> nix::Result<Exit> {
        if !poll::wait_ready(self.as_fd(), PollFlags::POLLIN, deadline)? {
            return Err(Errno::EAGAIN);
        }
        Ok(pidfd::exit_status(self.as_fd()).map_or(Exit::Unknown, Exit::Status))
    }
}
