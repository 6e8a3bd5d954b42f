//! Checks of a descriptor that becomes a socket of this module.

use std::os::fd::{AsFd, OwnedFd};

use nix::sys::socket::sockopt::{AcceptConn, SockType as SocketType};
use nix::sys::socket::{SockType, getsockopt};

use super::core::Bound;
use super::create;
use super::listener::Acceptor;
use crate::error::{Error, ErrorKind, Result};

const SO_TYPE: &str = "getsockopt(SO_TYPE)";
const SO_ACCEPTCONN: &str = "getsockopt(SO_ACCEPTCONN)";

pub(super) fn check_type(fd: &OwnedFd, kind: SockType) -> Result<()> {
    match getsockopt(fd, SocketType) {
        Ok(found) if found == kind => Ok(()),
        Ok(_) => Err(Error::new(SO_TYPE, ErrorKind::WrongType).with_hint("pass a socket of the other type")),
        Err(errno) => Err(Error::from_errno(SO_TYPE, errno)),
    }
}

pub(super) fn check_listener(fd: &OwnedFd, kind: SockType) -> Result<()> {
    check_type(fd, kind)?;
    match getsockopt(fd, AcceptConn) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Error::new(SO_ACCEPTCONN, ErrorKind::WrongType).with_hint("pass a socket that listens"))
        }
        Err(errno) => Err(Error::from_errno(SO_ACCEPTCONN, errno)),
    }
}

pub(super) fn enable_end_detection(fd: &OwnedFd) -> Result<()> {
    create::enable_end_detection(fd.as_fd()).map_err(|e| Error::from_errno("setsockopt(SO_PASSCRED)", e))
}

pub(super) fn acceptor(fd: OwnedFd) -> Result<Acceptor> {
    Acceptor::new(Bound::new(fd, None))
}
