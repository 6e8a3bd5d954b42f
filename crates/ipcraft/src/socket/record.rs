//! Records, which datagram and seqpacket sockets transfer whole or not at all.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::SndBuf;

use crate::error::{Error, Limit, Result};
use crate::support::limits;

/// Bytes that the kernel adds to a record before it compares the size with `SO_SNDBUF`.
const RECORD_OVERHEAD_BYTES: usize = 32;

/// Returns the length of a record that was received into a buffer of `room` bytes, unless it was
/// cut. The error of a cut one carries the bytes that the buffer holds.
#[inline]
pub(super) fn check_whole(operation: &'static str, room: usize, length: usize) -> Result<usize> {
    if length <= room {
        Ok(length)
    } else {
        Err(Error::truncated(operation, room, length).with_transferred(room))
    }
}

/// The error of a failure to send a record of `length` bytes.
#[cold]
pub(super) fn send_error(fd: BorrowedFd<'_>, operation: &'static str, errno: Errno, length: usize) -> Error {
    let limit = match errno {
        Errno::EMSGSIZE => buffer_limit(fd, length),
        _ => limits::descriptors(errno),
    };
    let error = Error::from_send_errno(operation, errno).with_limit(limit);
    match errno {
        Errno::EMSGSIZE => error.with_hint("split the record, or raise set_send_buffer"),
        Errno::ETOOMANYREFS => error.with_hint("let the receivers receive the descriptors in transit"),
        Errno::EDESTADDRREQ | Errno::ENOTCONN => error.with_hint("connect first, or name a destination"),
        _ => error,
    }
}

fn buffer_limit(fd: BorrowedFd<'_>, length: usize) -> Option<Limit> {
    let value = getsockopt(&fd, SndBuf).ok()? as u64;
    Some(Limit { name: "SO_SNDBUF", value, requested: Some((length + RECORD_OVERHEAD_BYTES) as u64) })
}
