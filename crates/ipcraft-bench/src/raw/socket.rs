//! Making and connecting sockets on libc.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::address::Address;
use super::check;

/// `socketpair(2)` of a type such as `SOCK_STREAM`.
pub(crate) fn pair(kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    let kind = kind | libc::SOCK_CLOEXEC;
    // SAFETY: because socketpair(2) writes two descriptors into an array of two.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) })?;
    // SAFETY: because both descriptors are new and nobody else has them, as socketpair(2) succeeded.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

/// `socket(2)`
pub(crate) fn socket(family: libc::c_int, kind: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: because socket(2) takes integers.
    let fd = check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: because the descriptor is new and nobody else has it, as socket(2) succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Switches a boolean socket option on.
pub(crate) fn enable(socket: &OwnedFd, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = size_of::<libc::c_int>() as libc::socklen_t;
    let (fd, value) = (socket.as_raw_fd(), (&raw const on).cast());
    // SAFETY: because setsockopt(2) reads `size` bytes from an integer of that size.
    check(unsafe { libc::setsockopt(fd, level, option, value, size) }).map(drop)
}

/// The size of a socket's send buffer as the kernel counts it.
pub(crate) fn send_buffer(socket: &OwnedFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    let (fd, value) = (socket.as_raw_fd(), (&raw mut bytes).cast());
    // SAFETY: because getsockopt(2) writes at most `size` bytes into an integer of that size.
    check(unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, value, &raw mut size) })?;
    Ok(bytes.unsigned_abs() as usize)
}

/// A listener at a new path, one connection to it, and the path unlinked again: the connecting end comes first.
pub(crate) fn connected_at(path: &Path, kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let ends = connected(libc::AF_UNIX, kind, &Address::path(path)?);
    std::fs::remove_file(path)?;
    ends
}

/// A connection over the loopback interface: the connecting end comes first.
pub(crate) fn connected_over_loopback() -> io::Result<(OwnedFd, OwnedFd)> {
    connected(libc::AF_INET, libc::SOCK_STREAM, &Address::loopback())
}

fn connected(family: libc::c_int, kind: libc::c_int, address: &Address) -> io::Result<(OwnedFd, OwnedFd)> {
    let listener = socket(family, kind)?;
    address.bind(&listener)?;
    // SAFETY: because listen(2) takes integers.
    check(unsafe { libc::listen(listener.as_raw_fd(), 1) })?;
    let client = socket(family, kind)?;
    Address::of(&listener)?.connect(&client)?;
    Ok((client, accept(&listener)?))
}

fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    let fd = listener.as_raw_fd();
    let none = std::ptr::null_mut();
    // SAFETY: because accept4(2) takes null pointers for an address that nobody wants.
    let fd = check(unsafe { libc::accept4(fd, none, std::ptr::null_mut(), libc::SOCK_CLOEXEC) })?;
    // SAFETY: because the descriptor is new and nobody else has it, as accept4(2) succeeded.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Two datagram sockets of a family, bound to the addresses and connected to each other.
pub(crate) fn crossed(family: libc::c_int, addresses: [&Address; 2]) -> io::Result<(OwnedFd, OwnedFd)> {
    let one = socket(family, libc::SOCK_DGRAM)?;
    let two = socket(family, libc::SOCK_DGRAM)?;
    addresses[0].bind(&one)?;
    addresses[1].bind(&two)?;
    Address::of(&two)?.connect(&one)?;
    Address::of(&one)?.connect(&two)?;
    Ok((one, two))
}
