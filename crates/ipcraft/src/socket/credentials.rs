//! Who is at the other end.

use nix::sys::socket::UnixCredentials;

/// `struct ucred`: a process, its user and its group, vouched for by the kernel (unix(7)).
///
/// Identifiers are translated into the receiver's namespaces: a process that cannot be seen from there has pid 0, a user or
/// group that has no mapping is the overflow one (65534). A pid may belong to another process by the time you look: a
/// pidfd does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "ucred")]
pub struct Credentials {
    /// The process.
    pub pid: i32,
    /// Its effective user as the kernel recorded it; its real user if [sent](Credentials::current) by this library.
    pub uid: u32,
    /// Its group, likewise.
    pub gid: u32,
}

impl Credentials {
    /// The calling process, with its real user and group.
    pub fn current() -> Self {
        UnixCredentials::new().into()
    }
}

impl From<UnixCredentials> for Credentials {
    fn from(credentials: UnixCredentials) -> Self {
        Credentials { pid: credentials.pid(), uid: credentials.uid(), gid: credentials.gid() }
    }
}

impl From<libc::ucred> for Credentials {
    fn from(ucred: libc::ucred) -> Self {
        UnixCredentials::from(ucred).into()
    }
}
