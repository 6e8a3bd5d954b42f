//! bind(2), connect(2), accept4(2), getsockname(2), getpeername(2), setsockopt(2).

#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

use super::sockaddr::SocketAddress;

/// bind(2).
pub(crate) fn bind(fd: BorrowedFd<'_>, address: &SocketAddress) -> nix::Result<()> {
    // SAFETY: because the address is valid for reads of its length (an invariant of that field).
    Errno::result(unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr(), address.length()) }).map(drop)
}

/// connect(2).
pub(crate) fn connect(fd: BorrowedFd<'_>, address: &SocketAddress) -> nix::Result<()> {
    // SAFETY: because the address is valid for reads of its length (an invariant of that field).
    Errno::result(unsafe { libc::connect(fd.as_raw_fd(), address.as_ptr(), address.length()) }).map(drop)
}

/// accept4(2), close-on-exec.
pub(crate) fn accept(fd: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    // SAFETY: because accept4(2) accepts null for an address that is not needed.
    let accepted =
        unsafe { libc::accept4(fd.as_raw_fd(), ptr::null_mut(), ptr::null_mut(), libc::SOCK_CLOEXEC) };
    // SAFETY: because accept4(2) returns a new descriptor, which has no other owner.
    Errno::result(accepted).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// getsockname(2).
pub(crate) fn local_address(fd: BorrowedFd<'_>) -> nix::Result<SocketAddress> {
    // SAFETY: because `address_from` passes memory for the address and its capacity
    // (getsockname(2)).
    address_from(|address, length| unsafe { libc::getsockname(fd.as_raw_fd(), address, length) })
}

/// getpeername(2).
pub(crate) fn peer_address(fd: BorrowedFd<'_>) -> nix::Result<SocketAddress> {
    // SAFETY: because `address_from` passes memory for the address and its capacity
    // (getpeername(2)).
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
