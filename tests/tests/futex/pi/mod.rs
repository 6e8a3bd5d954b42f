//! Locks with priority inheritance, and every error that their page lists.

mod death;
mod errors;
mod locking;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use ipcraft::Result;
use ipcraft::futex::pi::{self, PreviousOwner};
use ipcraft_tests::time::LONG_TIMEOUT;

/// Every form of locking.
const FORMS: [fn(&AtomicU32) -> Result<PreviousOwner>; 4] = [
    pi::lock,
    pi::try_lock,
    |word| pi::lock_timeout(word, LONG_TIMEOUT),
    |word| pi::lock_timeout(word, Duration::MAX),
];

/// Every form that may block for long.
const BLOCKING: [fn(&AtomicU32) -> Result<PreviousOwner>; 3] = [FORMS[0], FORMS[2], FORMS[3]];

/// Returns the thread id in the word.
fn owner(word: &AtomicU32) -> u32 {
    word.load(Relaxed) & libc::FUTEX_TID_MASK
}

/// Locks, and requires that no owner died.
fn lock(word: &AtomicU32) {
    assert_eq!(pi::lock(word).unwrap(), PreviousOwner::Unlocked);
}
