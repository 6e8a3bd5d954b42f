//! Creating sockets: unbound, in pairs, and connected.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{PassCred, SendTimeout};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, socketpair};
use nix::sys::time::{TimeVal, TimeValLike};

use super::Address;
use super::transfer::Wait;
use crate::error::{Error, Result};
use crate::support::limits;
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{ioctl, retry, socket as sys};
use crate::time::Deadline;

pub(super) const CONNECT: &str = "connect";

/// The longest `SO_SNDTIMEO` for one connect(2). After it the deadline is checked again.
const MAX_SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// socket(2), close-on-exec.
pub(super) fn create(kind: SockType) -> Result<OwnedFd> {
    new_socket(kind).map_err(|e| Error::from_errno("socket", e).with_limit(limits::descriptors(e)))
}

/// socketpair(2), close-on-exec.
pub(super) fn pair(kind: SockType) -> Result<(OwnedFd, OwnedFd)> {
    new_pair(kind).map_err(|e| Error::from_errno("socketpair", e).with_limit(limits::descriptors(e)))
}

/// connect(2) of a new socket to a listener.
pub(super) fn connect(kind: SockType, address: &Address, waiting: Wait) -> Result<OwnedFd> {
    address
        .find(CONNECT, |target| new_connection(kind, target, waiting))?
        .map_err(|e| address.name_in(connect_error(e)))
}

/// The error of a failed connect(2).
pub(super) fn connect_error(errno: Errno) -> Error {
    let error = Error::from_send_errno(CONNECT, errno).with_limit(limits::descriptors(errno));
    match errno {
        Errno::EAGAIN | Errno::ETIMEDOUT => error.with_hint("accept faster, or raise the listener's backlog"),
        Errno::ECONNREFUSED => error.with_hint("start the server; a stale file needs reclaim_stale there"),
        Errno::EACCES => error.with_hint("grant write permission on the file, such as by exact_mode"),
        _ => error,
    }
}

/// Makes each record of a seqpacket socket arrive with credentials.
///
/// The end of the stream has none, which distinguishes it from an empty record.
pub(super) fn enable_end_detection(fd: BorrowedFd<'_>) -> nix::Result<()> {
    setsockopt(&fd, PassCred, &true)
}

fn new_socket(kind: SockType) -> nix::Result<OwnedFd> {
    let fd = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    prepare(fd.as_fd(), kind)?;
    Ok(fd)
}

fn new_pair(kind: SockType) -> nix::Result<(OwnedFd, OwnedFd)> {
    let (left, right) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
    prepare(left.as_fd(), kind)?;
    prepare(right.as_fd(), kind)?;
    Ok((left, right))
}

fn prepare(fd: BorrowedFd<'_>, kind: SockType) -> nix::Result<()> {
    if kind == SockType::SeqPacket { enable_end_detection(fd) } else { Ok(()) }
}

/// A connect of a Unix socket is never in progress: one that a signal interrupts can be repeated
/// (unix(7)).
fn new_connection(kind: SockType, target: &SocketAddress, waiting: Wait) -> nix::Result<OwnedFd> {
    let fd = new_socket(kind)?;
    match waiting {
        Wait::Forever => retry(|| sys::connect(fd.as_fd(), target))?,
        Wait::Never => connect_now(fd.as_fd(), target)?,
        Wait::For(timeout) => connect_until(fd.as_fd(), target, Deadline::after(timeout))?,
    }
    Ok(fd)
}

/// Fails with `EAGAIN` if the listener's queue is full.
fn connect_now(fd: BorrowedFd<'_>, target: &SocketAddress) -> nix::Result<()> {
    ioctl::set_nonblocking(fd, true)?;
    let result = retry(|| sys::connect(fd, target));
    ioctl::set_nonblocking(fd, false)?;
    result
}

/// poll(2) reports no readiness for a full queue, but connect(2) honours `SO_SNDTIMEO`.
fn connect_until(fd: BorrowedFd<'_>, target: &SocketAddress, deadline: Deadline) -> nix::Result<()> {
    let mut result = connect_now(fd, target);
    while matches!(result, Err(Errno::EAGAIN | Errno::EINTR)) {
        let left = deadline.capped(MAX_SEND_TIMEOUT);
        if left.is_zero() {
            return Err(Errno::ETIMEDOUT);
        }
        // Zero would mean no timeout.
        let microseconds = left.as_micros().max(1) as i64;
        setsockopt(&fd, SendTimeout, &TimeVal::microseconds(microseconds))?;
        result = sys::connect(fd, target);
    }
    setsockopt(&fd, SendTimeout, &TimeVal::zero())?;
    result
}
