//! The end of a process.

use std::fmt;
use std::process::ExitStatus;

/// How a process ended, if the kernel reports it to this process.
///
/// Exhaustive on purpose: a status is known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The exit code, or the signal that ended the process
    /// ([`ExitStatusExt::signal`](std::os::unix::process::ExitStatusExt::signal)).
    Status(ExitStatus),
    /// The process has ended, and only its parent can learn its status; see
    /// [`PidFd::wait`](super::PidFd::wait).
    Unknown,
}

impl Exit {
    /// Returns the status, if it is known.
    pub fn status(self) -> Option<ExitStatus> {
        match self {
            Exit::Status(status) => Some(status),
            Exit::Unknown => None,
        }
    }
}

/// `exit status: 3`, `signal: 15 (SIGTERM)`, or `ended, status unknown`.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Status(status) => status.fmt(f),
            Exit::Unknown => f.write_str("ended, status unknown"),
        }
    }
}
