//! Sending signals through a pidfd.

use std::os::fd::AsFd;

use nix::errno::Errno;

use super::PidFd;
use super::pidfd::ended_error;
use crate::error::{Error, ErrorKind, Result};
use crate::signal::Signal;
use crate::support::limits;
use crate::sys::pidfd;

const SEND: &str = "pidfd_send_signal";

impl PidFd {
    /// `pidfd_send_signal(2)`: sends the signal as `kill(2)` does, but never to another process
    /// that has the id now.
    ///
    /// A process that has ended and is not reaped accepts every signal, without effect.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the process has ended and was reaped;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it belongs to another user;
    /// [`Invalid`](ErrorKind::Invalid) if it is not in this pid namespace or a descendant of it.
    #[doc(alias = "pidfd_send_signal")]
    #[doc(alias = "kill")]
    pub fn send_signal(&self, signal: Signal) -> Result<()> {
        pidfd::send_signal(self.as_fd(), signal.number(), None).map_err(|e| self.send_error(e, signal))
    }

    /// `pidfd_send_signal(2)` with `SI_QUEUE`: sends the signal with a value as `sigqueue(3)` does.
    ///
    /// Each [realtime](Signal::is_realtime) signal arrives with its value, in order. Pending
    /// standard signals of one number merge into the first; beyond the limit, it arrives without
    /// its value.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if too many signals are queued for the receiver's
    /// user. The limit is `RLIMIT_SIGPENDING` of the receiver. Otherwise as for
    /// [`send_signal`](PidFd::send_signal).
    #[doc(alias = "pidfd_send_signal")]
    #[doc(alias = "sigqueue")]
    pub fn queue_signal(&self, signal: Signal, value: i32) -> Result<()> {
        pidfd::send_signal(self.as_fd(), signal.number(), Some(value)).map_err(|e| self.send_error(e, signal))
    }

    #[cold]
    fn send_error(&self, errno: Errno, signal: Signal) -> Error {
        let error = Error::from_errno(SEND, errno).with_name(signal.to_string());
        match errno {
            Errno::ESRCH => ended_error(error),
            Errno::EAGAIN => error
                .with_kind(ErrorKind::LimitReached)
                .with_limit(self.pid().ok().and_then(limits::pending_signals)),
            Errno::EINVAL => error.with_hint("send from the target's pid namespace or an ancestor of it"),
            _ => error,
        }
    }
}
