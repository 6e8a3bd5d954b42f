//! What stream and seqpacket connections have in common.

use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{self as sys, SockType};

use super::Address;
use super::transfer::{self, Wait};
use crate::error::{Error, Result};
use crate::support::limits;

const CONNECT: &str = "connect";

pub(super) fn pair(kind: SockType) -> Result<(OwnedFd, OwnedFd)> {
    transfer::pair(kind).map_err(|e| Error::from_errno("socketpair", e).with_limit(limits::descriptors(e)))
}

pub(super) fn connect(kind: SockType, address: &Address, wait: Wait) -> Result<OwnedFd> {
    let raw = address.checked(CONNECT)?;
    transfer::connect(kind, raw, wait)
        .map_err(|e| address.blame(Error::from_send_errno(CONNECT, e).with_limit(limits::descriptors(e))))
}

pub(super) fn shutdown(fd: BorrowedFd<'_>, how: Shutdown) -> Result<()> {
    let how = match how {
        Shutdown::Read => sys::Shutdown::Read,
        Shutdown::Write => sys::Shutdown::Write,
        Shutdown::Both => sys::Shutdown::Both,
    };
    sys::shutdown(fd.as_raw_fd(), how).map_err(|e| Error::from_errno("shutdown", e))
}
