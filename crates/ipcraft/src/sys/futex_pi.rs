//! futex(2): locks with priority inheritance, in words that processes share.
//!
//! The kernel reads the owner's thread id in the word. It finds the thread, and lends it the
//! priority of the waiter that has the highest.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use libc::{c_int, timespec};
use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::retry;
use crate::time::Deadline;

/// `FUTEX_LOCK_PI2`, or `FUTEX_LOCK_PI` before Linux 5.14 and without a deadline: blocks until the
/// caller owns the word.
///
/// Fails with `ETIMEDOUT` at the deadline, and with `ESRCH` if the owner is dead and none waits.
pub(crate) fn lock_pi(word: &AtomicU32, deadline: Deadline) -> nix::Result<()> {
    let Some(until) = deadline.absolute() else {
        return futex(word, libc::FUTEX_LOCK_PI, ptr::null());
    };
    match futex(word, libc::FUTEX_LOCK_PI2, until.as_ref()) {
        Err(Errno::ENOSYS) => lock_pi_by_wall_clock(word, deadline),
        outcome => outcome,
    }
}

/// `FUTEX_LOCK_PI` has no other clock than `CLOCK_REALTIME`. If that is set forward the call ends
/// early, and is repeated. If it is set back the call lasts longer by the difference.
fn lock_pi_by_wall_clock(word: &AtomicU32, deadline: Deadline) -> nix::Result<()> {
    loop {
        let until = deadline.remaining().and_then(wall_clock_after);
        let until = until.as_ref().map_or(ptr::null(), |until| ptr::from_ref(until.as_ref()));
        match futex(word, libc::FUTEX_LOCK_PI, until) {
            Err(Errno::ETIMEDOUT) if !deadline.has_passed() => {}
            outcome => return outcome,
        }
    }
}

/// Returns the wall clock after this time. `None` if the clock does not reach it.
fn wall_clock_after(left: Duration) -> Option<TimeSpec> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME).ok()?);
    let until = now.checked_add(left).filter(|at| at.as_secs() <= libc::time_t::MAX as u64)?;
    Some(TimeSpec::from_duration(until))
}

/// `FUTEX_TRYLOCK_PI`: fails with `EAGAIN` if a living thread owns the word, and with `ESRCH` if
/// the owner is dead and none waits.
pub(crate) fn try_lock_pi(word: &AtomicU32) -> nix::Result<()> {
    futex(word, libc::FUTEX_TRYLOCK_PI, ptr::null())
}

/// `FUTEX_UNLOCK_PI`: passes the word to the waiter with the highest priority, or makes it zero.
///
/// Fails with `EPERM` if the caller is not the owner.
pub(crate) fn unlock_pi(word: &AtomicU32) -> nix::Result<()> {
    futex(word, libc::FUTEX_UNLOCK_PI, ptr::null())
}

fn futex(word: &AtomicU32, operation: c_int, until: *const timespec) -> nix::Result<()> {
    let none: c_int = 0;
    // SAFETY: because these operations change the word atomically, and `until` is null or leads to
    // a time that the callers keep for the call.
    retry(|| Errno::result(unsafe { libc::syscall(libc::SYS_futex, word, operation, none, until) })).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::gettid::gettid;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Instant;

    const SOON: Duration = Duration::from_millis(5);

    /// Runs while another thread owns a word.
    fn while_owned(check: impl FnOnce(&AtomicU32) + Send) {
        let word = AtomicU32::new(gettid());
        std::thread::scope(|scope| scope.spawn(|| check(&word)).join().unwrap());
    }

    #[test]
    fn lock_by_either_clock_times_out_at_the_deadline() {
        for lock in [lock_pi, lock_pi_by_wall_clock] {
            while_owned(|word| {
                for timeout in [SOON, Duration::ZERO] {
                    let start = Instant::now();
                    assert_eq!(lock(word, Deadline::after(timeout)), Err(Errno::ETIMEDOUT));
                    assert!(start.elapsed() >= timeout);
                }
            });
        }
    }

    #[test]
    fn lock_by_either_clock_of_a_free_word_stores_the_thread_id() {
        for lock in [lock_pi, lock_pi_by_wall_clock] {
            for timeout in [Duration::ZERO, SOON, Duration::from_secs(1 << 62), Duration::MAX] {
                let word = AtomicU32::new(0);
                assert_eq!(lock(&word, Deadline::after(timeout)), Ok(()));
                assert_eq!(word.load(Relaxed), gettid());
                assert_eq!(unlock_pi(&word), Ok(()));
                assert_eq!(word.load(Relaxed), 0);
            }
        }
    }
}
