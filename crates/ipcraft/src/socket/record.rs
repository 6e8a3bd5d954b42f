//! What datagram and seqpacket sockets have in common: records that go whole or not at all.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::SndBuf;

use crate::error::{Error, Limit, Result};
use crate::support::limits;

/// What the kernel adds to each record before it compares with `SO_SNDBUF`.
const OVERHEAD: usize = 32;

/// The length of a record that was received into a buffer of `room`, if it was not cut.
#[inline]
pub(super) fn whole(operation: &'static str, room: usize, length: usize) -> Result<usize> {
    if length <= room { Ok(length) } else { Err(Error::truncated(operation, room, length)) }
}

/// Why a record of `length` bytes could not be sent.
#[cold]
pub(super) fn unsent(fd: BorrowedFd<'_>, operation: &'static str, errno: Errno, length: usize) -> Error {
    let limit = match errno {
        Errno::EMSGSIZE => buffer_limit(fd, length),
        _ => limits::descriptors(errno),
    };
    Error::from_send_errno(operation, errno).with_limit(limit)
}

fn buffer_limit(fd: BorrowedFd<'_>, length: usize) -> Option<Limit> {
    let value = getsockopt(&fd, SndBuf).ok()? as u64;
    Some(Limit { name: "SO_SNDBUF", value, requested: Some((length + OVERHEAD) as u64) })
}
