//! How many robust locks this thread holds.
//!
//! When a thread dies, the kernel walks the list of the robust locks that it held, and stops after 2048
//! (`ROBUST_LIST_LIMIT`, get_robust_list(2)): whatever comes later would stay locked for ever. So the next one is refused.

use std::cell::Cell;

use nix::errno::Errno;

use crate::error::Limit;

/// The kernel's limit.
pub(super) const MOST: u32 = 2048;

/// What a refusal is reported as: "no locks available", which no lock of the C library says.
pub(super) const TOO_MANY: Errno = Errno::ENOLCK;

thread_local! {
    static HELD: Cell<u32> = const { Cell::new(0) };
}

/// Counts one more, before it is locked.
#[inline]
pub(super) fn one_more() -> nix::Result<()> {
    let held = HELD.get();
    if held >= MOST {
        return Err(TOO_MANY);
    }
    HELD.set(held + 1);
    Ok(())
}

/// Counts one less, after it is unlocked or could not be locked.
///
/// In a forked child the guards of the parent are dropped too, and so the counts stay right there.
#[inline]
pub(super) fn one_less() {
    HELD.set(HELD.get().saturating_sub(1));
}

/// The limit as an error names it.
pub(super) fn limit() -> Limit {
    Limit { name: "ROBUST_LIST_LIMIT", value: MOST.into(), requested: Some((MOST + 1).into()) }
}
