//! Signals to the process and to no other.

use std::os::fd::AsFd;

use nix::errno::Errno;

use super::PidFd;
use super::pidfd::has_ended;
use crate::error::{Error, ErrorKind, Result};
use crate::signal::Signal;
use crate::support::limits;
use crate::sys::pidfd;

const SEND: &str = "pidfd_send_signal";

impl PidFd {
    /// `pidfd_send_signal(2)`: sends the signal as `kill(2)` does, but never to a process that has got the same id
    /// since.
    ///
    /// A process that has ended and is not reaped takes every signal, and nothing comes of it.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the process has ended and is reaped;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it is another user's; [`Invalid`](ErrorKind::Invalid) if it
    /// is in a pid namespace that is neither this process's nor below it.
    #[doc(alias = "pidfd_send_signal")]
    #[doc(alias = "kill")]
    pub fn send_signal(&self, signal: Signal) -> Result<()> {
        pidfd::send_signal(self.as_fd(), signal.number(), None).map_err(|e| self.unsent(e, signal))
    }

    /// `pidfd_send_signal(2)` with `SI_QUEUE`: sends the signal with a value as `sigqueue(3)` does.
    ///
    /// Each [realtime](Signal::is_realtime) signal that is sent arrives with its value, in order. Of a standard signal
    /// only the first of several that are pending arrives; and beyond the limit it arrives without its value.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if too many signals are pending for the receiving user
    /// (`RLIMIT_SIGPENDING` of the receiver, which is named); else as [`send_signal`](PidFd::send_signal).
    #[doc(alias = "pidfd_send_signal")]
    #[doc(alias = "sigqueue")]
    pub fn queue_signal(&self, signal: Signal, value: i32) -> Result<()> {
        pidfd::send_signal(self.as_fd(), signal.number(), Some(value)).map_err(|e| self.unsent(e, signal))
    }

    #[cold]
    fn unsent(&self, errno: Errno, signal: Signal) -> Error {
        let error = Error::from_errno(SEND, errno).with_name(signal.to_string());
        match errno {
            Errno::ESRCH => has_ended(error),
            Errno::EAGAIN => error
                .with_kind(ErrorKind::LimitReached)
                .with_limit(self.pid().ok().and_then(limits::pending_signals)),
            Errno::EINVAL => error.with_hint("the process is in a pid namespace that is not below this one"),
            _ => error,
        }
    }
}
