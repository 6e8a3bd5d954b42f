//! Blocking on words.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use nix::errno::Errno;

use super::{Waiter, failed};
use crate::error::{Error, Limit, Result};
use crate::sys::futex::{self, ANY, WAITV_MAX};
use crate::time::Deadline;

/// `futex(2)` with `FUTEX_WAIT_BITSET` and every bit, which is `FUTEX_WAIT`: blocks until a
/// [wake](super::wake) if `word` is `expected`.
///
/// The kernel compares and blocks in one step, so a wake that follows a change is not missed.
/// Returns immediately if the word has another value, and may return without a reason. **Check the
/// word again afterwards:**
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
/// `EFAULT` if the memory behind the word is gone.
#[doc(alias = "FUTEX_WAIT")]
#[inline]
pub fn wait(word: &AtomicU32, expected: u32) -> Result<()> {
    wait_until(word, expected, ANY, Deadline::NEVER)
}

/// Blocks as [`wait`], for at most `timeout`.
///
/// # Errors
///
/// [`TimedOut`](crate::ErrorKind::TimedOut) if the word still has the value and no wake arrived
/// within `timeout`; otherwise as [`wait`].
#[inline]
pub fn wait_timeout(word: &AtomicU32, expected: u32, timeout: Duration) -> Result<()> {
    wait_until(word, expected, ANY, Deadline::after(timeout))
}

/// `futex(2)` with `FUTEX_WAIT_BITSET`: blocks as [`wait`], until a wake that shares one of these
/// bits. A wake without [bits](super::wake_bits) has all of them.
///
/// # Errors
///
/// As [`wait`].
#[doc(alias = "FUTEX_WAIT_BITSET")]
#[inline]
pub fn wait_bits(word: &AtomicU32, expected: u32, bits: NonZeroU32) -> Result<()> {
    wait_until(word, expected, bits.get(), Deadline::NEVER)
}

/// Blocks as [`wait_bits`], for at most `timeout`.
///
/// # Errors
///
/// As [`wait_timeout`].
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

/// `futex_waitv(2)`: blocks until a [wake](super::wake) of any of up to 128 words, if all have
/// their expected values.
///
/// Returns the index of a woken word; other words may have been woken too. Returns `None` if a word
/// had another value. As with [`wait`], check the words again afterwards.
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
/// [`Unsupported`](crate::ErrorKind::Unsupported) before Linux 5.16;
/// [`Invalid`](crate::ErrorKind::Invalid) for no word or more than 128; otherwise as [`wait`].
#[doc(alias = "futex_waitv")]
#[inline]
pub fn wait_any(waiters: &[Waiter<'_>]) -> Result<Option<usize>> {
    wait_any_until(waiters, Deadline::NEVER)
}

/// Blocks as [`wait_any`], for at most `timeout`.
///
/// # Errors
///
/// [`TimedOut`](crate::ErrorKind::TimedOut) if no wake arrived within `timeout`; otherwise as
/// [`wait_any`].
#[inline]
pub fn wait_any_timeout(waiters: &[Waiter<'_>], timeout: Duration) -> Result<Option<usize>> {
    wait_any_until(waiters, Deadline::after(timeout))
}

fn wait_any_until(waiters: &[Waiter<'_>], deadline: Deadline) -> Result<Option<usize>> {
    match futex::wait_any(Waiter::raw(waiters), deadline) {
        Ok(index) => Ok(Some(index)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(errno) => Err(failed_any(errno, waiters.len())),
    }
}

#[cold]
fn failed_any(errno: Errno, count: usize) -> Error {
    let error = failed("futex_waitv", errno);
    match errno {
        Errno::EINVAL if count == 0 => error.with_hint("pass at least one word"),
        Errno::EINVAL => error.with_limit(Some(Limit {
            name: "FUTEX_WAITV_MAX",
            value: WAITV_MAX as u64,
            requested: Some(count as u64),
        })),
        Errno::ENOSYS => error.with_hint("futex_waitv needs Linux 5.16"),
        _ => error,
    }
}
