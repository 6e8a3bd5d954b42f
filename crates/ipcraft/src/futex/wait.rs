//! Going to sleep.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use nix::errno::Errno;

use super::{Waiter, failed};
use crate::error::{Error, Limit, Result};
use crate::sys::futex::{self, ANY, WAITV_MAX};
use crate::time::Deadline;

/// `futex(2)` with `FUTEX_WAIT_BITSET` and every bit, which is `FUTEX_WAIT`: sleeps if `word` is `expected`, until
/// somebody [wakes](super::wake) it.
///
/// Comparing and going to sleep are one step: a wake after the word was changed is not missed. Returns at once if the
/// word has another value, and sometimes for nothing. So it says only that it is time to **look at the word again**:
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::Acquire};
/// use ipcraft::{Result, futex};
///
/// fn until_set(word: &AtomicU32) -> Result<()> {
///     while word.load(Acquire) == 0 {
///         futex::wait(word, 0)?;
///     }
///     Ok(())
/// }
/// until_set(&AtomicU32::new(1))?;
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// # Errors
///
/// `EFAULT` if the memory is gone from behind the word.
#[doc(alias = "FUTEX_WAIT")]
#[inline]
pub fn wait(word: &AtomicU32, expected: u32) -> Result<()> {
    wait_until(word, expected, ANY, Deadline::NEVER)
}

/// [`wait`] that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if the word still has the value, and nobody woke
/// it, when `timeout` has passed.
#[inline]
pub fn wait_timeout(word: &AtomicU32, expected: u32, timeout: Duration) -> Result<()> {
    wait_until(word, expected, ANY, Deadline::after(timeout))
}

/// `futex(2)` with `FUTEX_WAIT_BITSET`: [`wait`] for a wake that has one of these bits. One without
/// [bits](super::wake_bits) has them all.
///
/// # Errors
///
/// As for [`wait`].
#[doc(alias = "FUTEX_WAIT_BITSET")]
#[inline]
pub fn wait_bits(word: &AtomicU32, expected: u32, bits: NonZeroU32) -> Result<()> {
    wait_until(word, expected, bits.get(), Deadline::NEVER)
}

/// [`wait_bits`] that fails with [`TimedOut`](crate::ErrorKind::TimedOut) as [`wait_timeout`] does.
#[inline]
pub fn wait_bits_timeout(word: &AtomicU32, expected: u32, bits: NonZeroU32, timeout: Duration) -> Result<()> {
    wait_until(word, expected, bits.get(), Deadline::after(timeout))
}

#[inline]
fn wait_until(word: &AtomicU32, expected: u32, bits: u32, deadline: Deadline) -> Result<()> {
    match futex::wait(word, expected, bits, deadline) {
        Ok(()) | Err(Errno::EAGAIN) => Ok(()),
        Err(errno) => Err(failed("futex(FUTEX_WAIT_BITSET)", errno)),
    }
}

/// `futex_waitv(2)`: sleeps if all of up to 128 words are as expected, until somebody [wakes](super::wake) one.
///
/// Says which one that was; more may have been woken at once. `None` if a word had another value, and then not which.
/// As for [`wait`]: look at the words again.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// use ipcraft::futex::{self, Waiter};
///
/// let (door, phone) = (AtomicU32::new(0), AtomicU32::new(0));
/// phone.store(1, Relaxed);
/// match futex::wait_any(&[Waiter::new(&door, 0), Waiter::new(&phone, 0)]) {
///     Err(error) if error.kind() == ipcraft::ErrorKind::Unsupported => {} // before Linux 5.16
///     woken => assert_eq!(woken?, None),
/// }
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// # Errors
///
/// [`Unsupported`](crate::ErrorKind::Unsupported) before Linux 5.16; [`Invalid`](crate::ErrorKind::Invalid) if there is
/// no word, or more than 128; those of [`wait`].
#[doc(alias = "futex_waitv")]
#[inline]
pub fn wait_any(waiters: &[Waiter<'_>]) -> Result<Option<usize>> {
    wait_any_until(waiters, Deadline::NEVER)
}

/// [`wait_any`] that fails with [`TimedOut`](crate::ErrorKind::TimedOut) as [`wait_timeout`] does.
#[inline]
pub fn wait_any_timeout(waiters: &[Waiter<'_>], timeout: Duration) -> Result<Option<usize>> {
    wait_any_until(waiters, Deadline::after(timeout))
}

fn wait_any_until(waiters: &[Waiter<'_>], deadline: Deadline) -> Result<Option<usize>> {
    match futex::wait_any(waiters, deadline) {
        Ok(index) => Ok(Some(index)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(errno) => Err(failed_any(errno, waiters.len())),
    }
}

#[cold]
fn failed_any(errno: Errno, count: usize) -> Error {
    let error = failed("futex_waitv", errno);
    match errno {
        Errno::EINVAL if count == 0 => error.with_hint("there is no word to wait on"),
        Errno::EINVAL => error.with_limit(Some(Limit {
            name: "FUTEX_WAITV_MAX",
            value: WAITV_MAX as u64,
            requested: Some(count as u64),
        })),
        Errno::ENOSYS => error.with_hint("it needs Linux 5.16"),
        _ => error,
    }
}
