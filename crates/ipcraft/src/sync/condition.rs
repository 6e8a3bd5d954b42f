//! The word beside a lock that says what its data is like.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::atomic::AtomicU32;

/// New memory.
pub(super) const NEW: u32 = 0;
/// Somebody is making it a lock.
const UNDER_WAY: u32 = 1;
/// The data is as its users left it.
pub(super) const INITIALISED: u32 = 2;
/// An owner died, and nobody has repaired the data since.
pub(super) const OWNER_DIED: u32 = 3;
/// An owner panicked, and nobody has repaired the data since.
pub(super) const PANICKED: u32 = 4;
/// Somebody gave up on the data.
pub(super) const ABANDONED: u32 = 5;

/// A writer has it, who changes the data; if he cannot have it he died.
pub(super) const WRITING: u32 = 6;

/// Whether the caller is the one who initialises.
pub(super) fn claim(condition: &AtomicU32) -> bool {
    condition.compare_exchange(NEW, UNDER_WAY, Acquire, Relaxed).is_ok()
}

/// Ends what [`claim`] began.
pub(super) fn complete(condition: &AtomicU32) {
    condition.store(INITIALISED, Release);
}

/// Notes what has happened to usable data; what is noted already stays so until somebody repairs the data.
pub(super) fn note(condition: &AtomicU32, what: u32) {
    if condition.load(Relaxed) == INITIALISED {
        condition.store(what, Relaxed);
    }
}
