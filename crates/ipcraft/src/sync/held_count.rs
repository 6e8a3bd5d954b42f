//! How many robust locks this thread holds.
//!
//! When a thread dies, the kernel walks the list of its robust locks and stops after 2048 entries
//! (`ROBUST_LIST_LIMIT`, get_robust_list(2)). Later entries would stay locked forever, so acquiring
//! one more lock fails.

use std::cell::Cell;

use std::sync::atomic::Ordering::Acquire;

use nix::errno::Errno;

use crate::error::Limit;
use crate::support::process_identity::PER_PROCESS;

/// The number of locks that the kernel releases when a thread dies (`ROBUST_LIST_LIMIT`).
pub(super) const MAX_LOCKS: u32 = 2048;

/// The errno for one lock too many: "no locks available", which no lock of the C library returns.
pub(super) const LIMIT_EXCEEDED: Errno = Errno::ENOLCK;

thread_local! {
    static HELD: Cell<u32> = const { Cell::new(0) };
}

/// The count of robust locks that this thread holds.
pub(super) struct HeldCount;

impl HeldCount {
    /// Returns how many locks this thread holds.
    #[inline]
    pub(super) fn get() -> u32 {
        HELD.get()
    }

    /// Returns whether a thread that holds this many locks may hold one more.
    ///
    /// False until the process knows its pid namespace. A load of the namespace that follows a true
    /// answer finds it known.
    #[inline]
    pub(super) fn is_below_limit(held: u32) -> bool {
        held < PER_PROCESS.max_held_locks.load(Acquire)
    }

    /// Counts one lock more than `held`, before it is locked.
    #[inline]
    pub(super) fn acquire(held: u32) {
        HELD.set(held + 1);
    }

    /// Counts one lock less, after it was unlocked or could not be locked.
    ///
    /// Called once for each lock that was counted, by the same thread. A forked child also drops
    /// its copies of the guards, so the count is right there too.
    #[inline]
    pub(super) fn release() {
        HELD.set(HELD.get().wrapping_sub(1));
    }
}

/// Returns the limit as an error names it.
pub(super) fn limit() -> Limit {
    Limit { name: "ROBUST_LIST_LIMIT", value: MAX_LOCKS.into(), requested: Some((MAX_LOCKS + 1).into()) }
}
