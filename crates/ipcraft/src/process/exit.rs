//! What is known of an end.

use std::fmt;
use std::process::ExitStatus;

/// How a process ended, as far as the kernel tells the one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The code with which it exited, or the signal that ended it
    /// ([`ExitStatusExt::signal`](std::os::unix::process::ExitStatusExt::signal)).
    Status(ExitStatus),
    /// It has ended, and how is for its parent alone to know; see [`PidFd::wait`](super::PidFd::wait).
    Unknown,
}

impl Exit {
    /// The status, if it is known.
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
