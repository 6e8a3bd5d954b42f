//! Waking.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU32;

use nix::errno::Errno;

use super::failed;
use crate::error::{Error, Result};
use crate::sys::futex::{self, ANY};

/// `futex(2)` with `FUTEX_WAKE_BITSET` and every bit, which is `FUTEX_WAKE`: wakes at most `count`
/// waiters of the word. Returns how many were woken.
///
/// Change the word first. The kernel does not define which waiters it wakes.
///
/// # Errors
///
/// `EFAULT` if the memory behind the word is gone; [`Invalid`](crate::ErrorKind::Invalid) if a
/// priority-inheritance lock uses the word.
#[doc(alias = "FUTEX_WAKE")]
#[inline]
pub fn wake(word: &AtomicU32, count: u32) -> Result<u32> {
    wake_matching(word, count, ANY)
}

/// Wakes all waiters of the word. Returns how many were woken.
///
/// # Errors
///
/// As [`wake`].
#[inline]
pub fn wake_all(word: &AtomicU32) -> Result<u32> {
    wake_matching(word, u32::MAX, ANY)
}

/// `futex(2)` with `FUTEX_WAKE_BITSET`: wakes at most `count` waiters that share one of these
/// [bits](super::wait_bits), or wait without bits. Returns how many were woken.
///
/// # Errors
///
/// As [`wake`].
#[doc(alias = "FUTEX_WAKE_BITSET")]
#[inline]
pub fn wake_bits(word: &AtomicU32, count: u32, bits: NonZeroU32) -> Result<u32> {
    wake_matching(word, count, bits.get())
}

#[inline]
fn wake_matching(word: &AtomicU32, count: u32, bits: u32) -> Result<u32> {
    futex::wake(word, count, bits).map_err(failed_wake)
}

#[cold]
fn failed_wake(errno: Errno) -> Error {
    let error = failed("futex(FUTEX_WAKE_BITSET)", errno);
    match errno {
        Errno::EINVAL => error.with_hint("the word is in use by a priority-inheritance futex"),
        _ => error,
    }
}
