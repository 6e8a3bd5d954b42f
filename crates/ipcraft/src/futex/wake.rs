//! Waking.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;

use nix::errno::Errno;

use super::failed;
use crate::error::{Error, Result};
use crate::sys::futex::{self, ANY};

/// `futex(2)` with `FUTEX_WAKE_BITSET` and every bit, which is `FUTEX_WAKE`: wakes at most `count` of those who
/// [wait](super::wait) on the word, and says how many.
///
/// Change the word first. Which of the waiters are woken is not defined.
///
/// # Errors
///
/// `EFAULT` if the memory is gone from behind the word; [`Invalid`](crate::ErrorKind::Invalid) if somebody waits there
/// for a lock with priority inheritance.
#[doc(alias = "FUTEX_WAKE")]
#[inline]
pub fn wake(word: &AtomicU32, count: u32) -> Result<u32> {
    wake_those(word, count, ANY)
}

/// [`wake`]s everybody who waits on the word, and says how many these were.
///
/// # Errors
///
/// As for [`wake`].
#[inline]
pub fn wake_all(word: &AtomicU32) -> Result<u32> {
    wake_those(word, u32::MAX, ANY)
}

/// `futex(2)` with `FUTEX_WAKE_BITSET`: [`wake`]s only those who wait for one of these
/// [bits](super::wait_bits), or without bits.
///
/// # Errors
///
/// As for [`wake`].
#[doc(alias = "FUTEX_WAKE_BITSET")]
#[inline]
pub fn wake_bits(word: &AtomicU32, count: u32, bits: NonZeroU32) -> Result<u32> {
    wake_those(word, count, bits.get())
}

#[inline]
fn wake_those(word: &AtomicU32, count: u32, bits: u32) -> Result<u32> {
    futex::wake(word, count, bits).map_err(failed_wake)
}

#[cold]
fn failed_wake(errno: Errno) -> Error {
    let error = failed("futex(FUTEX_WAKE_BITSET)", errno);
    match errno {
        Errno::EINVAL => error.with_hint("a lock with priority inheritance is waited for at this word"),
        _ => error,
    }
}
