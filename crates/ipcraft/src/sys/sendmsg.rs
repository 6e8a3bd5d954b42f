//! send(2), sendto(2), recv(2), recvfrom(2), recvmsg(2), and the headers of sendmsg(2).

#![allow(unsafe_code)]

use std::io::{IoSlice, IoSliceMut};
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use super::byte_count;
use super::sockaddr::SocketAddress;

/// Fail with `EAGAIN` instead of blocking, for this call only (recv(2), send(2)).
pub(crate) const DONTWAIT: libc::c_int = libc::MSG_DONTWAIT;

/// Return the true length of a record, even if the buffer is shorter (recv(2)).
pub(crate) const TRUNC: libc::c_int = libc::MSG_TRUNC;

/// Leave the received data in the queue (recv(2)).
pub(crate) const PEEK: libc::c_int = libc::MSG_PEEK;

/// recv(2).
#[inline]
pub(crate) fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8], flags: libc::c_int) -> nix::Result<usize> {
    // SAFETY: because recv(2) writes at most `len` bytes to the buffer, which is borrowed mutably
    // for the call.
    Errno::result(unsafe { libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags) })
        .map(|count| count as usize)
}

/// recvfrom(2): also fills in the `sender`.
#[inline]
pub(crate) fn recv_from(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    sender: &mut SocketAddress,
    flags: libc::c_int,
) -> nix::Result<usize> {
    let (bytes, room) = (buffer.as_mut_ptr().cast(), buffer.len());
    let mut address_length = SocketAddress::CAPACITY;
    // SAFETY: because recvfrom(2) writes at most `room` bytes to the buffer, and at most the
    // capacity to the address.
    let count = byte_count(unsafe {
        libc::recvfrom(fd.as_raw_fd(), bytes, room, flags, sender.as_mut_ptr(), &mut address_length)
    })?;
    sender.set_length(address_length);
    Ok(count)
}

/// send(2), without `SIGPIPE`.
#[inline]
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8], flags: libc::c_int) -> nix::Result<usize> {
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: because send(2) only reads the bytes, which are borrowed for the call.
    Errno::result(unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) })
        .map(|count| count as usize)
}

/// sendto(2), without `SIGPIPE`.
#[inline]
pub(crate) fn send_to(
    fd: BorrowedFd<'_>,
    bytes: &[u8],
    address: &SocketAddress,
    flags: libc::c_int,
) -> nix::Result<usize> {
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: because sendto(2) only reads the bytes and the address, each valid for the length
    // given with it.
    let count = unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            flags,
            address.as_ptr(),
            address.length(),
        )
    };
    byte_count(count)
}

/// The result of a call of recvmsg(2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedInfo {
    /// The true length of the record, if [`TRUNC`] was among the flags.
    pub(crate) length: usize,
    /// `msg_flags` of the header.
    pub(crate) flags: libc::c_int,
}

impl ReceivedInfo {
    /// Whether the kernel dropped ancillary data for lack of room.
    pub(crate) fn control_was_cut(self) -> bool {
        self.flags & libc::MSG_CTRUNC != 0
    }
}

/// recvmsg(2) without room for ancillary data.
#[inline]
pub(crate) fn recv_record(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    flags: libc::c_int,
) -> nix::Result<ReceivedInfo> {
    let mut buffers = [IoSliceMut::new(buffer)];
    let mut header = receiving(&mut buffers);
    // SAFETY: because the header's buffers are borrowed mutably for the call and its other pointers
    // are null.
    let count = unsafe { libc::recvmsg(fd.as_raw_fd(), &mut header, flags) };
    Ok(ReceivedInfo { length: byte_count(count)?, flags: header.msg_flags })
}

/// A header that receives into `buffers`, which it points to.
#[inline]
pub(crate) fn receiving(buffers: &mut [IoSliceMut<'_>]) -> libc::msghdr {
    // IoSliceMut has the layout of iovec: std guarantees it.
    libc::msghdr { msg_iov: buffers.as_mut_ptr().cast(), msg_iovlen: buffers.len() as _, ..empty() }
}

/// A header that sends `parts`, which it points to.
#[inline]
pub(crate) fn sending(parts: &[IoSlice<'_>]) -> libc::msghdr {
    // IoSlice has the layout of iovec, as std guarantees, and sendmsg(2) writes to neither.
    libc::msghdr { msg_iov: parts.as_ptr().cast_mut().cast(), msg_iovlen: parts.len() as _, ..empty() }
}

#[inline]
fn empty() -> libc::msghdr {
    // SAFETY: because null pointers and zero lengths are valid values of every field.
    unsafe { mem::zeroed() }
}
