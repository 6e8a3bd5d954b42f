//! Who is at the other end.

use nix::sys::socket::UnixCredentials;

use crate::pid::Pid;

/// `struct ucred`: a process, its user and its group, vouched for by the kernel (unix(7)).
///
/// Identifiers are translated into the receiver's namespaces: a process that is not visible there has no pid, a
/// user or group that has no mapping is the overflow one (65534). A pid may belong to another process by the time you
/// look: a pidfd does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "ucred")]
pub struct Credentials {
    /// The process; `None` if it is not visible in this pid namespace.
    pub pid: Option<Pid>,
    /// Its effective user as the kernel recorded it; its real user if [sent](Credentials::current) by this library.
    pub uid: u32,
    /// Its group, likewise.
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
