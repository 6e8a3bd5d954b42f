//! Checks of a descriptor that becomes a socket of this module.

use std::os::fd::{AsFd, OwnedFd};

use nix::sys::socket::sockopt::{AcceptConn, PassCred, SockType as SocketType};
use nix::sys::socket::{SockType, getsockopt};

use super::create;
use crate::error::{Error, ErrorKind, Result};

const SO_TYPE: &str = "getsockopt(SO_TYPE)";
const SO_ACCEPTCONN: &str = "getsockopt(SO_ACCEPTCONN)";

pub(super) fn check_type(fd: &OwnedFd, kind: SockType) -> Result<()> {
    match getsockopt(fd, SocketType) {
        Ok(found) if found == kind => Ok(()),
        Ok(found) => Err(wrong_type(found, kind)),
        Err(errno) => Err(Error::from_errno(SO_TYPE, errno)),
    }
}

/// The error names the type found, and the hint the type wanted.
fn wrong_type(found: SockType, wanted: SockType) -> Error {
    let hint = match wanted {
        SockType::Stream => "pass a stream socket",
        SockType::SeqPacket => "pass a seqpacket socket",
        _ => "pass a datagram socket",
    };
    let found = match found {
        SockType::Stream => "of a stream socket",
        SockType::SeqPacket => "of a seqpacket socket",
        SockType::Datagram => "of a datagram socket",
        _ => "of a socket of another type",
    };
    Error::new(SO_TYPE, ErrorKind::WrongType).with_name(found).with_hint(hint)
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

/// Sets `SO_PASSCRED` unless it is set already: other processes may share the socket.
pub(super) fn enable_end_detection(fd: &OwnedFd) -> Result<()> {
    if getsockopt(fd, PassCred).is_ok_and(|is_set| is_set) {
        return Ok(());
    }
    create::enable_end_detection(fd.as_fd()).map_err(|e| Error::from_errno("setsockopt(SO_PASSCRED)", e))
}
