//! The system calls on sockets, as safe functions: one call each.

#![allow(unsafe_code)]

use std::io::{IoSlice, IoSliceMut};
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

use super::sockaddr::SocketAddress;

/// Fail with `EAGAIN` instead of waiting, for this call only (recv(2), send(2)).
pub(crate) const DONTWAIT: libc::c_int = libc::MSG_DONTWAIT;

/// Report the true length of a record, however short the buffer (recv(2)).
pub(crate) const TRUNC: libc::c_int = libc::MSG_TRUNC;

/// Leave what was received where it is (recv(2)).
pub(crate) const PEEK: libc::c_int = libc::MSG_PEEK;

/// bind(2).
pub(crate) fn bind(fd: BorrowedFd<'_>, address: &SocketAddress) -> nix::Result<()> {
    // SAFETY: because the address is valid for reads of the length that it says (an invariant of its field).
    Errno::result(unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr(), address.length()) }).map(drop)
}

/// connect(2).
pub(crate) fn connect(fd: BorrowedFd<'_>, address: &SocketAddress) -> nix::Result<()> {
    // SAFETY: because the address is valid for reads of the length that it says (an invariant of its field).
    Errno::result(unsafe { libc::connect(fd.as_raw_fd(), address.as_ptr(), address.length()) }).map(drop)
}

/// accept4(2), close-on-exec.
pub(crate) fn accept(fd: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    // SAFETY: because accept4(2) allows null for an address that is not wanted.
    let accepted =
        unsafe { libc::accept4(fd.as_raw_fd(), ptr::null_mut(), ptr::null_mut(), libc::SOCK_CLOEXEC) };
    // SAFETY: because accept4(2) returns a new descriptor, which nobody else owns.
    Errno::result(accepted).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// getsockname(2).
pub(crate) fn local_address(fd: BorrowedFd<'_>) -> nix::Result<SocketAddress> {
    // SAFETY: because `address_from` passes memory for the address and its capacity (getsockname(2)).
    address_from(|address, length| unsafe { libc::getsockname(fd.as_raw_fd(), address, length) })
}

/// getpeername(2).
pub(crate) fn peer_address(fd: BorrowedFd<'_>) -> nix::Result<SocketAddress> {
    // SAFETY: because `address_from` passes memory for the address and its capacity (getpeername(2)).
    address_from(|address, length| unsafe { libc::getpeername(fd.as_raw_fd(), address, length) })
}

fn address_from(
    call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int,
) -> nix::Result<SocketAddress> {
    let mut address = SocketAddress::unnamed();
    let mut length = SocketAddress::CAPACITY;
    Errno::result(call(address.as_mut_ptr(), &mut length))?;
    address.set_length(length);
    Ok(address)
}

/// recv(2).
#[inline]
pub(crate) fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8], flags: libc::c_int) -> nix::Result<usize> {
    // SAFETY: because recv(2) writes at most `len` bytes to the buffer, which is borrowed mutably for the call.
    length(unsafe { libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags) })
}

/// recvfrom(2): also tells the `sender`.
#[inline]
pub(crate) fn recv_from(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    sender: &mut SocketAddress,
    flags: libc::c_int,
) -> nix::Result<usize> {
    let (bytes, room) = (buffer.as_mut_ptr().cast(), buffer.len());
    let mut address_length = SocketAddress::CAPACITY;
    // SAFETY: because recvfrom(2) writes at most `room` bytes to the buffer and the capacity's worth to the address.
    let count = length(unsafe {
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
    length(unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) })
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
    // SAFETY: because sendto(2) only reads the bytes and the address, each valid for the length given with it.
    length(unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            flags,
            address.as_ptr(),
            address.length(),
        )
    })
}

/// What came with a call of recvmsg(2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The true length of the record, if [`TRUNC`] was among the flags.
    pub(crate) length: usize,
    /// `msg_flags` of the header.
    pub(crate) flags: libc::c_int,
}

impl Arrival {
    /// Whether ancillary data came that there was no room for.
    pub(crate) fn control_was_cut(self) -> bool {
        self.flags & libc::MSG_CTRUNC != 0
    }
}

/// recvmsg(2) without room for ancillary data.
#[inline]
pub(crate) fn recv_record(fd: BorrowedFd<'_>, buffer: &mut [u8], flags: libc::c_int) -> nix::Result<Arrival> {
    let mut buffers = [IoSliceMut::new(buffer)];
    let mut header = receiving(&mut buffers);
    // SAFETY: because the header's buffers are borrowed mutably for the call and its other pointers are null.
    let count = unsafe { libc::recvmsg(fd.as_raw_fd(), &mut header, flags) };
    Ok(Arrival { length: length(count)?, flags: header.msg_flags })
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

#[inline]
pub(crate) fn length(count: libc::ssize_t) -> nix::Result<usize> {
    if count < 0 { Err(Errno::last()) } else { Ok(count as usize) }
}

/// setsockopt(2) for a switch of `SOL_SOCKET`.
pub(crate) fn set_switch(fd: BorrowedFd<'_>, option: libc::c_int, on: bool) -> nix::Result<()> {
    let value = libc::c_int::from(on);
    let size = mem::size_of_val(&value) as libc::socklen_t;
    // SAFETY: because the kernel reads one int, from a variable of that type.
    let status = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const value).cast(), size)
    };
    Errno::result(status).map(drop)
}
