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

/// To check whether a signal could be sent (kill(2)).
const NOTHING: i32 = 0;

/// `kill(2)`: sends the signal to a process, whichever of its threads does not block it.
///
/// A pid may have passed to another process by the time of the call; a pidfd has not, so for a process that is not your
/// child send through one.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if there is no such process, [`PermissionDenied`](ErrorKind::PermissionDenied) if it
/// is another user's, [`Invalid`](ErrorKind::Invalid) for pid 0 and those above `i32::MAX`, which `kill(2)` would take
/// for groups of processes, or for all.
#[doc(alias = "kill")]
pub fn send(pid: Pid, to_send: Signal) -> Result<()> {
    signal::kill(pid.raw(), to_send.number()).map_err(|e| unsent(KILL, e, pid))
}

/// `kill(2)` with signal 0: whether there is such a process and it could be sent a signal; none is.
///
/// Stale at once. A zombie, which has ended and was not waited for, still counts.
///
/// # Errors
///
/// As for [`send`]: [`NotFound`](ErrorKind::NotFound) means that there is none,
/// [`PermissionDenied`](ErrorKind::PermissionDenied) that there is one.
#[doc(alias = "kill")]
pub fn check(pid: Pid) -> Result<()> {
    signal::kill(pid.raw(), NOTHING).map_err(|e| unsent(KILL, e, pid))
}

/// `killpg(3)`: sends the signal to every process of a group that may be sent it.
///
/// # Errors
///
/// As for [`send`], and [`Invalid`](ErrorKind::Invalid) for group 1 as well: to `kill(2)` that is -1, **every process
/// there is**.
#[doc(alias = "killpg")]
pub fn send_group(group: Pid, to_send: Signal) -> Result<()> {
    match group.raw() {
        1 => Err(Error::new(KILLPG, ErrorKind::Invalid)
            .with_name("1")
            .with_hint("kill(2) would take it for all processes")),
        group_id => signal::kill(-group_id, to_send.number()).map_err(|e| unsent(KILLPG, e, group)),
    }
}

/// `tgkill(2)`: sends the signal to one thread of a process.
///
/// What the signal does, it does to the whole process: a signal that kills kills all threads. A thread's number is what
/// it gets from [`thread_id`].
///
/// # Errors
///
/// As for [`send`], [`NotFound`](ErrorKind::NotFound) also if the thread is another process's;
/// [`LimitReached`](ErrorKind::LimitReached) as for [`queue`], for realtime signals.
#[doc(alias = "tgkill")]
#[doc(alias = "pthread_kill")]
pub fn send_thread(pid: Pid, thread: Pid, to_send: Signal) -> Result<()> {
    signal::tgkill(pid.raw(), thread.raw(), to_send.number()).map_err(|e| unsent(TGKILL, e, pid))
}

/// `sigqueue(3)`: sends the signal with a value.
///
/// A realtime signal is queued: each one that was sent comes, in order. Of a standard signal that is pending already
/// nothing comes, and nothing says so.
///
/// The value is the `sival_int` of C. (The union has room for a pointer, but a pointer means nothing to another
/// process, and who sends an integer in C leaves the other half of it undefined.)
///
/// # Errors
///
/// As for [`send`], and [`LimitReached`](ErrorKind::LimitReached) if too many signals are queued for all processes of the
/// **receiver's** real user: the limit is the receiver's `RLIMIT_SIGPENDING`.
#[doc(alias = "sigqueue")]
#[inline]
pub fn queue(pid: Pid, to_send: Signal, value: i32) -> Result<()> {
    signal::queue(pid.raw(), to_send.number(), value).map_err(|e| unsent(SIGQUEUE, e, pid))
}

/// `rt_tgsigqueueinfo(2)`: [`queue`] to one thread of a process.
///
/// # Errors
///
/// As for [`queue`] and [`send_thread`].
#[doc(alias = "rt_tgsigqueueinfo")]
#[doc(alias = "pthread_sigqueue")]
pub fn queue_thread(pid: Pid, thread: Pid, to_send: Signal, value: i32) -> Result<()> {
    signal::queue_to_thread(pid.raw(), thread.raw(), to_send.number(), value)
        .map_err(|e| unsent(TGSIGQUEUE, e, pid))
}

/// `gettid(2)`: the kernel's number of this thread, for [`send_thread`].
#[doc(alias = "gettid")]
pub fn thread_id() -> Pid {
    Pid::assigned(nix::unistd::gettid().as_raw().unsigned_abs())
}

#[cold]
fn unsent(operation: &'static str, errno: Errno, pid: Pid) -> Error {
    let error = Error::from_errno(operation, errno).with_name(pid.to_string());
    match errno {
        Errno::ESRCH => error.with_kind(ErrorKind::NotFound),
        Errno::EAGAIN => error
            .with_kind(ErrorKind::LimitReached)
            .with_limit(limits::pending_signals(pid))
            .with_hint("it bounds the signals that are queued for all processes of the receiver's user"),
        _ => error,
    }
}
