//! The identity of a peer.

use nix::sys::socket::UnixCredentials;

use crate::pid::Pid;

/// `struct ucred`: a process, its user and its group, vouched for by the kernel (unix(7)).
///
/// Identifiers are translated into the receiver's namespaces. A process that is not visible there
/// has no pid; a user or group without a mapping is the overflow id (65534). The pid may have been
/// reused by the time it is read, which a pidfd rules out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "ucred")]
pub struct Credentials {
    /// The process; `None` if it is not visible in this pid namespace.
    pub pid: Option<Pid>,
    /// The effective user that the kernel recorded, or the real user if this library
    /// [sent](Credentials::current) the credentials.
    pub uid: u32,
    /// The group, effective or real as the user is.
    pub gid: u32,
}

impl Credentials {
    /// The calling process, with its real user and group.
    pub fn current() -> Self {
        Credentials::of(UnixCredentials::new().into())
    }

    pub(super) fn of(ucred: libc::ucred) -> Self {
        Credentials { pid: Pid::from_raw(ucred.pid), uid: ucred.uid, gid: ucred.gid }
    }

    pub(super) fn raw(self) -> libc::ucred {
        libc::ucred { pid: self.pid.map_or(0, Pid::raw), uid: self.uid, gid: self.gid }
    }
}
