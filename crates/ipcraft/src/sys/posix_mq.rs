//! POSIX message queues: mq_open(3), mq_send(3), mq_receive(3), mq_notify(3) and relatives.
//!
//! On Linux a queue's descriptor is a file descriptor (mq_overview(7)), so close(2) and poll(2)
//! serve it.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

use super::signal::sigval;

/// The size of the message that the kernel writes to a netlink socket as a notification (Linux,
/// ipc/mqueue.c).
pub(crate) const COOKIE: usize = 32;

/// A deadline that passed in 1970, with which the kernel never blocks (mq_send(3)).
const EXPIRED: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };

/// mq_open(3), close-on-exec.
pub(crate) fn open(
    name: &CStr,
    flags: libc::c_int,
    mode: libc::mode_t,
    attributes: Option<&libc::mq_attr>,
) -> nix::Result<OwnedFd> {
    let attributes = attributes.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: because the name ends in NUL, and mq_open(3) takes a mode and a pointer to attributes
    // that may be null.
    let fd =
        Errno::result(unsafe { libc::mq_open(name.as_ptr(), flags | libc::O_CLOEXEC, mode, attributes) })?;
    // SAFETY: because mq_open(3) returns a new descriptor, which has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// mq_unlink(3).
pub(crate) fn unlink(name: &CStr) -> nix::Result<()> {
    // SAFETY: because the name ends in NUL.
    Errno::result(unsafe { libc::mq_unlink(name.as_ptr()) }).map(drop)
}

/// The attributes that mq_open(3) takes and mq_getattr(3) returns.
pub(crate) fn attributes(capacity: libc::c_long, message_size: libc::c_long) -> libc::mq_attr {
    // SAFETY: because mq_attr is a C structure of integers, for which zeroes are valid.
    let mut attributes: libc::mq_attr = unsafe { mem::zeroed() };
    attributes.mq_maxmsg = capacity;
    attributes.mq_msgsize = message_size;
    attributes
}

/// mq_getattr(3).
pub(crate) fn get_attributes(fd: BorrowedFd<'_>) -> nix::Result<libc::mq_attr> {
    let mut found = attributes(0, 0);
    // SAFETY: because mq_getattr(3) writes one structure, to a variable of that type.
    Errno::result(unsafe { libc::mq_getattr(fd.as_raw_fd(), &mut found) })?;
    Ok(found)
}

/// mq_setattr(3), which sets and clears `O_NONBLOCK` and nothing else.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>, yes: bool) -> nix::Result<()> {
    let mut wanted = attributes(0, 0);
    wanted.mq_flags = if yes { libc::O_NONBLOCK.into() } else { 0 };
    // SAFETY: because mq_setattr(3) reads one structure, and null is allowed for the old one.
    Errno::result(unsafe { libc::mq_setattr(fd.as_raw_fd(), &wanted, ptr::null_mut()) }).map(drop)
}

/// mq_send(3).
#[inline]
pub(crate) fn send(fd: BorrowedFd<'_>, message: &[u8], priority: u32) -> nix::Result<()> {
    // SAFETY: because mq_send(3) reads `len` bytes of the message, which is borrowed for the call.
    let sent = unsafe { libc::mq_send(fd.as_raw_fd(), message.as_ptr().cast(), message.len(), priority) };
    Errno::result(sent).map(drop)
}

/// mq_timedsend(3) without blocking: `EAGAIN` if there is no room.
pub(crate) fn try_send(fd: BorrowedFd<'_>, message: &[u8], priority: u32) -> nix::Result<()> {
    let (bytes, length) = (message.as_ptr().cast(), message.len());
    // SAFETY: because mq_timedsend(3) reads `len` bytes of the message, which is borrowed for the
    // call, and a timespec.
    let sent = unsafe { libc::mq_timedsend(fd.as_raw_fd(), bytes, length, priority, &EXPIRED) };
    Errno::result(sent).map(drop).map_err(would_wait)
}

/// mq_receive(3): the length and the priority.
#[inline]
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> nix::Result<(usize, u32)> {
    let (bytes, length) = (buffer.as_mut_ptr().cast(), buffer.len());
    let mut priority = 0;
    // SAFETY: because mq_receive(3) writes at most `len` bytes to the buffer, which is borrowed
    // mutably, and a priority.
    let received = unsafe { libc::mq_receive(fd.as_raw_fd(), bytes, length, &mut priority) };
    Errno::result(received).map(|length| (length as usize, priority))
}

/// mq_timedreceive(3) without blocking: `EAGAIN` if the queue is empty.
pub(crate) fn try_receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> nix::Result<(usize, u32)> {
    let (bytes, length) = (buffer.as_mut_ptr().cast(), buffer.len());
    let mut priority = 0;
    // SAFETY: because mq_timedreceive(3) writes at most `len` bytes to the buffer, which is
    // borrowed mutably, and a priority, and reads a timespec.
    let received = unsafe { libc::mq_timedreceive(fd.as_raw_fd(), bytes, length, &mut priority, &EXPIRED) };
    Errno::result(received).map(|length| (length as usize, priority)).map_err(would_wait)
}

/// Maps the errno of a passed deadline to that of `O_NONBLOCK`.
fn would_wait(errno: Errno) -> Errno {
    if errno == Errno::ETIMEDOUT { Errno::EAGAIN } else { errno }
}

/// mq_notify(3) with `SIGEV_SIGNAL`.
pub(crate) fn notify_by_signal(
    fd: BorrowedFd<'_>,
    signal: libc::c_int,
    value: libc::c_int,
) -> nix::Result<()> {
    notify(fd, Some(&event(libc::SIGEV_SIGNAL, signal, sigval(value))))
}

/// mq_notify(3) with `SIGEV_THREAD`, for which the system call takes a netlink socket, not a
/// function.
pub(crate) fn notify_by_socket(fd: BorrowedFd<'_>, socket: BorrowedFd<'_>) -> nix::Result<()> {
    let mut cookie = [0_u8; COOKIE];
    let value = libc::sigval { sival_ptr: cookie.as_mut_ptr().cast() };
    notify(fd, Some(&event(libc::SIGEV_THREAD, socket.as_raw_fd(), value)))
}

/// mq_notify(3) with null: cancels the registration of this process, if there is one.
pub(crate) fn notify_no_more(fd: BorrowedFd<'_>) -> nix::Result<()> {
    notify(fd, None)
}

fn event(notify: libc::c_int, number: libc::c_int, value: libc::sigval) -> libc::sigevent {
    // SAFETY: because sigevent is a C structure of integers and pointers, for which zeroes are
    // valid.
    let mut event: libc::sigevent = unsafe { mem::zeroed() };
    event.sigev_notify = notify;
    event.sigev_signo = number;
    event.sigev_value = value;
    event
}

/// Makes the system call directly: glibc's function would start a thread for `SIGEV_THREAD`.
fn notify(fd: BorrowedFd<'_>, event: Option<&libc::sigevent>) -> nix::Result<()> {
    let event = event.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: because mq_notify(2) reads one sigevent or null, and a cookie of 32 bytes if that
    // asks for a thread; both outlive the call.
    Errno::result(unsafe { libc::syscall(libc::SYS_mq_notify, fd.as_raw_fd(), event) }).map(drop)
}
