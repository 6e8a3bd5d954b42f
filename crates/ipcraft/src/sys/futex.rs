//! futex(2) and futex_waitv(2) on words that processes share, so never with the private flag.

#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::AtomicU32;

use libc::{c_int, c_long, c_uint, timespec};
use nix::errno::Errno;

use super::retry;
use crate::time::Deadline;

/// All bits: a wait with it is woken by any wake, and a wake with it wakes any waiter.
pub(crate) const ANY: u32 = libc::FUTEX_BITSET_MATCH_ANY as u32;

/// The maximum number of words for futex_waitv(2).
pub(crate) const WAITV_MAX: usize = libc::FUTEX_WAITV_MAX as usize;

/// A word of 32 bits, without the flag `FUTEX2_PRIVATE` (include/uapi/linux/futex.h).
const FUTEX2_SIZE_U32: u32 = 2;

/// `FUTEX_WAIT_BITSET`: blocks while the word has this value, until a wake with one of these bits.
///
/// Fails with `EAGAIN` if it has another value, and with `ETIMEDOUT` at the deadline. May return
/// without a wake.
#[inline]
pub(crate) fn wait(word: *const AtomicU32, expected: u32, bits: u32, deadline: Deadline) -> nix::Result<()> {
    let until = deadline.absolute();
    let until = until.as_ref().map_or(ptr::null(), |until| ptr::from_ref(until.as_ref()));
    retry(|| futex(word, libc::FUTEX_WAIT_BITSET, expected, until, bits)).map(drop)
}

/// `FUTEX_WAKE_BITSET`: wakes at most `count` waiters with one of these bits, and returns how many.
#[inline]
pub(crate) fn wake(word: *const AtomicU32, count: u32, bits: u32) -> nix::Result<u32> {
    // The kernel would wake one waiter for zero, and takes a number beyond its int as negative.
    match count.min(c_int::MAX as u32) {
        0 => Ok(0),
        count => futex(word, libc::FUTEX_WAKE_BITSET, count, ptr::null(), bits).map(|woken| woken as u32),
    }
}

/// `FUTEX_WAKE_OP`: sets the word to a value below 4096 and wakes all waiters in one step. The
/// caller cannot die between the two.
#[inline]
pub(crate) fn set_and_wake_all(word: *const AtomicU32, value: u32) -> nix::Result<()> {
    change_and_wake_all(word, libc::FUTEX_OP_SET, value)
}

/// `FUTEX_WAKE_OP`: adds a number below 2048 to the word and wakes all waiters in one step. The
/// caller cannot die between the two.
#[inline]
pub(crate) fn add_and_wake_all(word: *const AtomicU32, number: u32) -> nix::Result<()> {
    change_and_wake_all(word, libc::FUTEX_OP_ADD, number)
}

fn change_and_wake_all(word: *const AtomicU32, operation: c_int, argument: u32) -> nix::Result<()> {
    let change = (operation as u32) << 28 | (argument & 0xfff) << 12;
    let (all, none): (c_int, c_long) = (c_int::MAX, 0);
    // SAFETY: because the kernel changes the word atomically, wakes waiters on the same word, and
    // takes the number `none` in the place of a time.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE_OP, all, none, word, change) };
    Errno::result(woken).map(drop)
}

/// futex(2): the operations that take a word, a number, an absolute time or null, and bits.
#[inline]
fn futex(
    word: *const AtomicU32,
    operation: c_int,
    number: u32,
    until: *const timespec,
    bits: u32,
) -> nix::Result<c_long> {
    let none = ptr::null::<u32>();
    // SAFETY: because waiting and waking only read the word, and an address without a word is
    // `EFAULT`; and because `until` is null or leads to a time that the callers keep for the call.
    Errno::result(unsafe { libc::syscall(libc::SYS_futex, word, operation, number, until, none, bits) })
}

/// `struct futex_waitv` (include/uapi/linux/futex.h): a word to wait on together with others, and
/// the value that it is expected to have.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct FutexWaitv {
    expected: u64,
    address: u64,
    flags: u32,
    /// Zero; the kernel refuses other values.
    reserved: u32,
}

impl FutexWaitv {
    /// The caller keeps the word mapped while the kernel uses its address.
    #[inline]
    pub(crate) fn new(word: &AtomicU32, expected: u32) -> Self {
        let address = ptr::from_ref(word).expose_provenance() as u64;
        FutexWaitv { expected: expected.into(), address, flags: FUTEX2_SIZE_U32, reserved: 0 }
    }
}

/// futex_waitv(2): blocks while all words have their values, until a wake of any; returns its
/// index.
///
/// Fails as [`wait`] does.
pub(crate) fn wait_any(waiters: &[FutexWaitv], deadline: Deadline) -> nix::Result<usize> {
    let until = deadline.absolute();
    let until: *const timespec = until.as_ref().map_or(ptr::null(), |until| ptr::from_ref(until.as_ref()));
    // A count above the maximum is passed as the maximum plus one, since it might not fit the
    // kernel's int.
    let count = waiters.len().min(WAITV_MAX + 1) as c_uint;
    let (none, clock): (c_uint, c_int) = (0, libc::CLOCK_MONOTONIC);
    let index = retry(|| {
        // SAFETY: because futex_waitv(2) reads at most `count` structures, which have its layout
        // and are borrowed for the call, and a time that is null or outlives it. It only reads the
        // words, and an address without a word is `EFAULT`.
        Errno::result(unsafe {
            libc::syscall(libc::SYS_futex_waitv, waiters.as_ptr(), count, none, until, clock)
        })
    });
    index.map(|index| index as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn wait_and_wake_at_an_invalid_address_return_an_errno() {
        let words = [const { AtomicU32::new(0) }; 2];
        let odd = words.as_ptr().wrapping_byte_add(1);
        for (address, errno) in [(odd, Errno::EINVAL), (ptr::null(), Errno::EFAULT)] {
            assert_eq!(wait(address, 0, ANY, Deadline::after(SOON)), Err(errno));
            assert_eq!(wake(address, 1, ANY), Err(errno));
        }
    }

    #[test]
    fn wait_and_wake_without_bits_return_einval() {
        let word = AtomicU32::new(0);
        assert_eq!(wait(&word, 0, 0, Deadline::after(SOON)), Err(Errno::EINVAL));
        assert_eq!(wake(&word, 1, 0), Err(Errno::EINVAL));
    }

    #[test]
    fn wake_of_zero_wakes_no_waiter_unlike_the_kernel() {
        let word = AtomicU32::new(0);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| wait(&word, 0, ANY, Deadline::NEVER));
            while futex(&raw const word, libc::FUTEX_WAKE_BITSET, 0, ptr::null(), ANY) == Ok(0) {
                assert_eq!(wake(&word, 0, ANY), Ok(0));
                std::thread::yield_now();
            }
            assert_eq!(waiter.join().unwrap(), Ok(()));
        });
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test is visible")]
    fn wait_any_with_unknown_flags_returns_einval() {
        let word = AtomicU32::new(0);
        let good = FutexWaitv::new(&word, 0);
        if wait_any(&[good], Deadline::after(SOON)) == Err(Errno::ENOSYS) {
            eprintln!("skipped: futex_waitv needs Linux 5.16");
            return;
        }
        for bad in [FutexWaitv { flags: 0x400 | FUTEX2_SIZE_U32, ..good }, FutexWaitv { reserved: 1, ..good }]
        {
            assert_eq!(wait_any(&[bad], Deadline::after(SOON)), Err(Errno::EINVAL));
        }
        assert_eq!(wait_any(&[good], Deadline::after(SOON)), Err(Errno::ETIMEDOUT));
    }
}
