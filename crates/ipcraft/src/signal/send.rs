//! Sending signals.

use nix::errno::Errno;

use super::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::support::limits;
use crate::sys::signal;

const KILL: &str = "kill";
const KILLPG: &str = "killpg";
const TGKILL: &str = "tgkill";
const SIGQUEUE: &str = "sigqueue";
const TGSIGQUEUE: &str = "rt_tgsigqueueinfo";

/// The null signal: kill(2) checks the permission and sends nothing.
const NULL_SIGNAL: i32 = 0;

/// `kill(2)`: sends the signal to a process. Any thread that does not block it may handle it.
///
/// Another process may have the id by the time of the call. For a process that is not a child, send
/// through a [`PidFd`](crate::process::PidFd) instead.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if there is no such process;
/// [`PermissionDenied`](ErrorKind::PermissionDenied) if it belongs to another user.
#[doc(alias = "kill")]
pub fn send(pid: Pid, to_send: Signal) -> Result<()> {
    signal::kill(pid.raw(), to_send.number()).map_err(|e| send_error(KILL, e, pid))
}

/// `kill(2)` with signal 0: checks that the process exists and may be sent a signal. Sends none.
///
/// The process may end at any time, so the result may be outdated. A zombie, which has ended and
/// was not reaped, still exists.
///
/// # Errors
///
/// As for [`send`]. [`NotFound`](ErrorKind::NotFound) means that the process does not exist,
/// [`PermissionDenied`](ErrorKind::PermissionDenied) that it does.
#[doc(alias = "kill")]
pub fn check(pid: Pid) -> Result<()> {
    signal::kill(pid.raw(), NULL_SIGNAL).map_err(|e| send_error(KILL, e, pid))
}

/// `killpg(3)`: sends the signal to every process of the group that the caller may signal.
///
/// # Errors
///
/// As for [`send`], and [`Invalid`](ErrorKind::Invalid) for group 1: `kill(2)` takes its negative,
/// -1, for **every process**.
#[doc(alias = "killpg")]
pub fn send_group(group: Pid, to_send: Signal) -> Result<()> {
    match group.raw() {
        1 => Err(Error::new(KILLPG, ErrorKind::Invalid)
            .with_name("1")
            .with_hint("send to one process; kill(2) takes -1 for all")),
        group_id => signal::kill(-group_id, to_send.number()).map_err(|e| send_error(KILLPG, e, group)),
    }
}

/// `tgkill(2)`: sends the signal to one thread of a process.
///
/// The default action of the signal applies to the whole process: a signal that kills ends all
/// threads. A thread gets its id from [`thread_id`].
///
/// # Errors
///
/// As for [`send`], and [`NotFound`](ErrorKind::NotFound) if the thread belongs to another process.
/// For realtime signals [`LimitReached`](ErrorKind::LimitReached), as for [`queue`].
#[doc(alias = "tgkill")]
#[doc(alias = "pthread_kill")]
pub fn send_thread(pid: Pid, thread: Pid, to_send: Signal) -> Result<()> {
    signal::tgkill(pid.raw(), thread.raw(), to_send.number()).map_err(|e| send_error(TGKILL, e, pid))
}

/// `sigqueue(3)`: sends the signal with a value.
///
/// A realtime signal is queued: each one is delivered, in order. A standard signal that is already
/// pending is lost without an error.
///
/// The value is `sival_int` of C. The union also holds a pointer, which has no meaning in another
/// process. A C program that sends an integer leaves the other half undefined.
///
/// # Errors
///
/// As for [`send`], and [`LimitReached`](ErrorKind::LimitReached) if too many signals are queued
/// for all processes of the **receiver's** real user. The limit is `RLIMIT_SIGPENDING` of the
/// receiver.
#[doc(alias = "sigqueue")]
#[inline]
pub fn queue(pid: Pid, to_send: Signal, value: i32) -> Result<()> {
    signal::queue(pid.raw(), to_send.number(), value).map_err(|e| send_error(SIGQUEUE, e, pid))
}

/// `rt_tgsigqueueinfo(2)`: sends the signal with a value to one thread, as [`queue`] does to a
/// process.
///
/// # Errors
///
/// As for [`queue`] and [`send_thread`].
#[doc(alias = "rt_tgsigqueueinfo")]
#[doc(alias = "pthread_sigqueue")]
pub fn queue_thread(pid: Pid, thread: Pid, to_send: Signal, value: i32) -> Result<()> {
    signal::queue_to_thread(pid.raw(), thread.raw(), to_send.number(), value)
        .map_err(|e| send_error(TGSIGQUEUE, e, pid))
}

/// `gettid(2)`: returns the id of the calling thread, for [`send_thread`].
#[doc(alias = "gettid")]
pub fn thread_id() -> Pid {
    Pid::assigned(nix::unistd::gettid().as_raw().unsigned_abs())
}

#[cold]
fn send_error(operation: &'static str, errno: Errno, pid: Pid) -> Error {
    let error = Error::from_errno(operation, errno).with_name(pid.to_string());
    match errno {
        Errno::ESRCH => error.with_kind(ErrorKind::NotFound),
        Errno::EAGAIN => error
            .with_kind(ErrorKind::LimitReached)
            .with_limit(limits::pending_signals(pid))
            .with_hint("let the receiver's processes take queued signals, or raise the limit"),
        _ => error,
    }
}
