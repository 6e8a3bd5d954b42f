//! Sending and receiving in the three forms: blocking, non-blocking, and with a timeout.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::support::wait;
use crate::sys::sendmsg::{self, DONTWAIT};
use crate::sys::sockaddr::SocketAddress;
use crate::sys::{poll, retry, socket as sys};

/// Whether a call may block, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    Forever,
    Never,
    For(Duration),
}

/// Makes a receiving `call`, passing the flags that keep it from blocking where it must not.
#[inline(always)]
pub(super) fn receive<T>(
    fd: BorrowedFd<'_>,
    waiting: Wait,
    call: impl FnMut(libc::c_int) -> nix::Result<T>,
) -> nix::Result<T> {
    transfer(fd, PollFlags::POLLIN, waiting, call)
}

/// Makes a sending `call`, passing the flags that keep it from blocking where it must not.
#[inline(always)]
pub(super) fn send<T>(
    fd: BorrowedFd<'_>,
    waiting: Wait,
    call: impl FnMut(libc::c_int) -> nix::Result<T>,
) -> nix::Result<T> {
    transfer(fd, PollFlags::POLLOUT, waiting, call)
}

/// send(2). Inlined, so that each of the three forms becomes a short path of its own.
#[inline(always)]
pub(super) fn send_bytes(fd: BorrowedFd<'_>, bytes: &[u8], waiting: Wait) -> nix::Result<usize> {
    send(fd, waiting, |flags| sendmsg::send(fd, bytes, flags))
}

/// recv(2) with `extra` flags. Inlined as [`send_bytes`] is.
#[inline(always)]
pub(super) fn recv_bytes(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    extra: libc::c_int,
    waiting: Wait,
) -> nix::Result<usize> {
    receive(fd, waiting, |flags| sendmsg::recv(fd, buffer, flags | extra))
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

/// Repeats a non-blocking `attempt` to send to `target` until it proceeds.
///
/// For a socket that is not connected, poll(2) reports the room in its own buffer, but not in the
/// receiver's queue. A second socket, connected to the receiver, is woken by that queue. It is
/// created for each wait, since another receiver may have taken over the address.
pub(super) fn send_to_until<T>(
    fd: BorrowedFd<'_>,
    target: &SocketAddress,
    timeout: Duration,
    attempt: impl FnMut() -> nix::Result<T>,
) -> nix::Result<T> {
    wait::attempt_between(timeout, attempt, |deadline| {
        let probe = probe(target)?;
        Ok(poll::wait_ready(fd, PollFlags::POLLOUT, deadline)?
            && probe
                .map_or(Ok(true), |probe| poll::wait_ready(probe.as_fd(), PollFlags::POLLOUT, deadline))?)
    })
}

/// Connects a socket that becomes writable when the receiver's queue has room.
///
/// `None` if the receiver is connected to another socket. That can only be the sender, and then the
/// room in the sender's own buffer decides.
fn probe(target: &SocketAddress) -> nix::Result<Option<OwnedFd>> {
    let fd = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    match sys::connect(fd.as_fd(), target) {
        Ok(()) => Ok(Some(fd)),
        Err(Errno::EPERM) => Ok(None),
        Err(errno) => Err(errno),
    }
}
