//! Sockets of every type: making them, and waiting in the three ways that every call offers.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::sockopt::{PassCred, SendTimeout};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, socketpair};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::support::wait;
use crate::sys::sendmsg::DONTWAIT;
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{ioctl, poll, retry, socket as sys};
use crate::time::Deadline;

/// Whether a call may wait, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    Forever,
    Never,
    For(Duration),
}

/// Makes a receiving `call`, which gets the flags that keep it from waiting where it must not.
#[inline(always)]
pub(super) fn receive<T>(
    fd: BorrowedFd<'_>,
    waiting: Wait,
    call: impl FnMut(libc::c_int) -> nix::Result<T>,
) -> nix::Result<T> {
    transfer(fd, PollFlags::POLLIN, waiting, call)
}

/// Makes a sending `call`, likewise.
#[inline(always)]
pub(super) fn send<T>(
    fd: BorrowedFd<'_>,
    waiting: Wait,
    call: impl FnMut(libc::c_int) -> nix::Result<T>,
) -> nix::Result<T> {
    transfer(fd, PollFlags::POLLOUT, waiting, call)
}

#[inline(always)]
fn transfer<T>(
    fd: BorrowedFd<'_>,
    interest: PollFlags,
    waiting: Wait,
    mut call: impl FnMut(libc::c_int) -> nix::Result<T>,
) -> nix::Result<T> {
    match waiting {
        Wait::Forever => retry(|| call(0)),
        Wait::Never => retry(|| call(DONTWAIT)),
        Wait::For(timeout) => wait::attempt_until(timeout, &[(fd, interest)], || retry(|| call(DONTWAIT))),
    }
}

/// Repeats a non-blocking `attempt` to send to `to` until it proceeds.
///
/// For a socket that is not connected, poll(2) knows only its own room, not that of the receiver's queue. A second
/// socket that is connected to the receiver is woken by that queue. It is made anew each time: another receiver may
/// have taken the address over.
pub(super) fn send_to_until<T>(
    fd: BorrowedFd<'_>,
    to: &SocketAddress,
    timeout: Duration,
    attempt: impl FnMut() -> nix::Result<T>,
) -> nix::Result<T> {
    wait::attempt_between(timeout, attempt, |deadline| {
        let probe = probe(to)?;
        Ok(poll::wait_ready(fd, PollFlags::POLLOUT, deadline)?
            && probe
                .map_or(Ok(true), |probe| poll::wait_ready(probe.as_fd(), PollFlags::POLLOUT, deadline))?)
    })
}

/// A socket that is ready for writing when the receiver's queue has room; none if the receiver is connected to another
/// socket, which then can only be the sender, whose own room is what counts.
fn probe(to: &SocketAddress) -> nix::Result<Option<OwnedFd>> {
    let fd = create(SockType::Datagram)?;
    match sys::connect(fd.as_fd(), to) {
        Ok(()) => Ok(Some(fd)),
        Err(Errno::EPERM) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// socket(2), close-on-exec.
pub(super) fn create(kind: SockType) -> nix::Result<OwnedFd> {
    let fd = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None)?;
    mark_records(fd.as_fd(), kind)?;
    Ok(fd)
}

/// socketpair(2), close-on-exec.
pub(super) fn pair(kind: SockType) -> nix::Result<(OwnedFd, OwnedFd)> {
    let (left, right) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
    mark_records(left.as_fd(), kind)?;
    mark_records(right.as_fd(), kind)?;
    Ok((left, right))
}

/// Makes every record arrive with credentials, which tells a record without bytes from the end of a stream of records.
pub(super) fn mark_records(fd: BorrowedFd<'_>, kind: SockType) -> nix::Result<()> {
    if kind == SockType::SeqPacket { setsockopt(&fd, PassCred, &true) } else { Ok(()) }
}

/// connect(2) to a listener, on a new socket.
///
/// Such a connect is done or not done, never in progress: one that a signal interrupts can be made again (unix(7)).
pub(super) fn connect(kind: SockType, address: &SocketAddress, waiting: Wait) -> nix::Result<OwnedFd> {
    let fd = create(kind)?;
    match waiting {
        Wait::Forever => retry(|| sys::connect(fd.as_fd(), address))?,
        Wait::Never => connect_now(fd.as_fd(), address)?,
        Wait::For(timeout) => connect_until(fd.as_fd(), address, Deadline::after(timeout))?,
    }
    Ok(fd)
}

/// Fails with `EAGAIN` if the listener's queue is full.
fn connect_now(fd: BorrowedFd<'_>, address: &SocketAddress) -> nix::Result<()> {
    ioctl::set_nonblocking(fd, true)?;
    let result = retry(|| sys::connect(fd, address));
    ioctl::set_nonblocking(fd, false)?;
    result
}

/// No readiness is reported for a full queue, but the connect itself honours the socket's timeout for sending.
fn connect_until(fd: BorrowedFd<'_>, address: &SocketAddress, deadline: Deadline) -> nix::Result<()> {
    let mut result = connect_now(fd, address);
    while matches!(result, Err(Errno::EAGAIN | Errno::EINTR)) {
        let left = deadline.capped(Duration::from_secs(60));
        if left.is_zero() {
            return Err(Errno::ETIMEDOUT);
        }
        // Zero would mean for ever.
        let microseconds = left.as_micros().max(1) as i64;
        setsockopt(&fd, SendTimeout, &TimeVal::microseconds(microseconds))?;
        result = sys::connect(fd, address);
    }
    setsockopt(&fd, SendTimeout, &TimeVal::zero())?;
    result
}

/// accept4(2) on a listener whose description is non-blocking.
///
/// Asking poll(2) first and then a blocking accept would not do: another process may take the connection in between.
pub(super) fn accept(listener: BorrowedFd<'_>, waiting: Wait) -> nix::Result<OwnedFd> {
    let accept = || retry(|| sys::accept(listener));
    let timeout = match waiting {
        Wait::Never => return accept(),
        Wait::Forever => Duration::MAX,
        Wait::For(timeout) => timeout,
    };
    wait::attempt_until(timeout, &[(listener, PollFlags::POLLIN)], accept)
}
