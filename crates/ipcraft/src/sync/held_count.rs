//! How many robust locks this thread holds.
//!
//! When a thread dies, the kernel walks the list of its robust locks and stops after 2048 entries
//! (`ROBUST_LIST_LIMIT`, get_robust_list(2)). Later entries would stay locked forever, so acquiring
//! one more lock fails.

use std::cell::Cell;

use nix::errno::Errno;

use crate::error::Limit;

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
    /// Counts one lock more, before it is locked.
    #[inline]
    pub(super) fn acquire() -> nix::Result<()> {
        let held = HELD.get();
        if held >= MAX_LOCKS {
            return Err(LIMIT_EXCEEDED);
        }
        HELD.set(held + 1);
        Ok(())
    }

    /// Counts one lock less, after it was unlocked or could not be locked.
    ///
    /// A forked child also drops its copies of the parent's guards, so the count is right there
    /// too.
    #[inline]
    pub(super) fn release() {
        HELD.set(HELD.get().saturating_sub(1));
    }
}

/// Returns the limit as an error names it.
pub(super) fn limit() -> Limit {
    Limit { name: "ROBUST_LIST_LIMIT", value: MAX_LOCKS.into(), requested: Some((MAX_LOCKS + 1).into()) }
}
