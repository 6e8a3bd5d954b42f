//! Calls that raise `SIGPIPE`, made harmless.
//!
//! Sockets have `MSG_NOSIGNAL`, and pipes have `RWF_NOSIGNAL` from Linux 6.18 on (see [`rw`](super::rw)). For pipes on older
//! kernels, and for `splice`, `tee` and `vmsplice` on all, the signal has to be held back by hand.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;

use nix::errno::Errno;

/// Makes a call that raises `SIGPIPE` when nobody reads, and leaves only its `EPIPE`.
///
/// Costs one more system call where the program ignores or handles the signal, as Rust programs do by default, and four
/// where it would kill.
pub(crate) fn held<T>(call: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
    if !kills() {
        return call();
    }
    let set = sigpipe();
    let pending_before = is_pending();
    let previous = block(&set);
    let result = call();
    if matches!(result, Err(Errno::EPIPE)) && !pending_before {
        consume(&set);
    }
    restore(&previous);
    result
}

/// Whether the signal is at its default action, which ends the process.
fn kills() -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: because sigaction(2) only writes the old action, to memory that is large enough, when the new one is null.
    let status = unsafe { libc::sigaction(libc::SIGPIPE, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: because the call succeeded and so has filled the structure in.
    status == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_DFL
}

fn sigpipe() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: because sigemptyset(3) initialises the set that sigaddset(3) then extends.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}

fn is_pending() -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: because sigpending(2) fills the set in before it is read.
    unsafe { libc::sigpending(set.as_mut_ptr()) == 0 && libc::sigismember(set.as_ptr(), libc::SIGPIPE) == 1 }
}

/// Blocks the signals for this thread and returns the mask from before.
fn block(set: &libc::sigset_t) -> libc::sigset_t {
    let mut previous = MaybeUninit::uninit();
    // SAFETY: because pthread_sigmask(3) cannot fail with a valid `how` and fills the previous mask in.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, set, previous.as_mut_ptr());
        previous.assume_init()
    }
}

fn restore(previous: &libc::sigset_t) {
    // SAFETY: because the mask came from pthread_sigmask(3) and a null old mask is allowed.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, previous, ptr::null_mut()) };
}

/// Takes the pending signal, which is directed at this thread, off the queue.
fn consume(set: &libc::sigset_t) {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: because sigtimedwait(2) reads the set and the timeout, and a null siginfo is allowed.
    unsafe { libc::sigtimedwait(set, ptr::null_mut(), &now) };
}
