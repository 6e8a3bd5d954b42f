//! What can be asked of, and set on, a socket of any type.

use std::os::fd::{BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{PassCred, PeerCredentials, PeerPidfd, SndBuf};
use nix::sys::socket::{getsockopt, setsockopt};

use super::{Address, Credentials};
use crate::error::{Error, ErrorKind, Result};
use crate::support::limits;
use crate::sys::ioctl;
use crate::sys::socket as sys;

pub(super) fn local_address(fd: BorrowedFd<'_>) -> Result<Address> {
    sys::local_address(fd).map(Address::of).map_err(|e| Error::from_errno("getsockname", e))
}

pub(super) fn peer_address(fd: BorrowedFd<'_>) -> Result<Address> {
    sys::peer_address(fd).map(Address::of).map_err(|e| Error::from_errno("getpeername", e))
}

/// A socket that nobody ever connected has the credentials of nobody: pid 0.
pub(super) fn peer_credentials(fd: BorrowedFd<'_>) -> Result<Credentials> {
    match getsockopt(&fd, PeerCredentials) {
        Ok(credentials) if credentials.pid() == 0 && credentials.uid() == u32::MAX => {
            Err(Error::new("getsockopt(SO_PEERCRED)", ErrorKind::NotConnected))
        }
        Ok(credentials) => Ok(Credentials::of(credentials.into())),
        Err(errno) => Err(Error::from_errno("getsockopt(SO_PEERCRED)", errno)),
    }
}

pub(super) fn peer_pidfd(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    getsockopt(&fd, PeerPidfd).map_err(|errno| {
        let error =
            Error::from_errno("getsockopt(SO_PEERPIDFD)", errno).with_limit(limits::descriptors(errno));
        match errno {
            Errno::ENOPROTOOPT => needs_linux_6_5(error),
            Errno::ENODATA => error.with_kind(ErrorKind::NotConnected),
            // The peer was reaped, on a kernel that then has no pidfd to give.
            Errno::ESRCH | Errno::EINVAL => error.with_kind(ErrorKind::Disconnected),
            _ => error,
        }
    })
}

pub(super) fn send_buffer(fd: BorrowedFd<'_>) -> Result<usize> {
    getsockopt(&fd, SndBuf).map_err(|e| Error::from_errno("getsockopt(SO_SNDBUF)", e))
}

pub(super) fn set_send_buffer(fd: BorrowedFd<'_>, bytes: usize) -> Result<usize> {
    setsockopt(&fd, SndBuf, &clamped(bytes)).map_err(|e| Error::from_errno("setsockopt(SO_SNDBUF)", e))?;
    send_buffer(fd)
}

/// The kernel doubles an int, and caps it far below that in any case.
fn clamped(bytes: usize) -> usize {
    bytes.min(i32::MAX as usize / 2)
}

pub(super) fn set_nonblocking(fd: BorrowedFd<'_>, yes: bool) -> Result<()> {
    ioctl::set_nonblocking(fd, yes).map_err(|e| Error::from_errno("ioctl(FIONBIO)", e))
}

pub(super) fn set_receive_credentials(fd: BorrowedFd<'_>, yes: bool) -> Result<()> {
    setsockopt(&fd, PassCred, &yes).map_err(|e| Error::from_errno("setsockopt(SO_PASSCRED)", e))
}

pub(super) fn set_receive_pidfds(fd: BorrowedFd<'_>, yes: bool) -> Result<()> {
    sys::set_switch(fd, libc::SO_PASSPIDFD, yes).map_err(|errno| {
        let error = Error::from_errno("setsockopt(SO_PASSPIDFD)", errno);
        if errno == Errno::ENOPROTOOPT { needs_linux_6_5(error) } else { error }
    })
}

/// An option that the running kernel does not know.
fn needs_linux_6_5(error: Error) -> Error {
    error.with_kind(ErrorKind::Unsupported).with_hint("it needs Linux 6.5")
}
