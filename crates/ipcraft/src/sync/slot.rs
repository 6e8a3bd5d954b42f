//! Arrays of locks of which a thread takes any free one.
//!
//! When the thread dies, whatever it was doing, the kernel frees the slot. There is nothing to
//! repair.

use std::cell::Cell;

use nix::errno::Errno;
use nix::unistd::gettid;

use super::raw::RawMutex;

/// A lock in a cache line of its own, so that threads with different slots do not slow each other.
#[repr(C, align(64))]
pub(super) struct Slot(pub(super) RawMutex);

/// Takes any free slot, beginning with the preferred one. Returns `None` if all are taken.
#[inline]
pub(super) fn try_take_any(slots: &[Slot]) -> nix::Result<Option<usize>> {
    let first = preferred(slots.len());
    for index in (first..slots.len()).chain(0..first) {
        match slots[index].0.ignore_owner_death(slots[index].0.try_lock()) {
            Ok(()) => {
                LAST_TAKEN.set(Some(index));
                return Ok(Some(index));
            }
            Err(Errno::EBUSY) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(None)
}

/// Returns the slot that this thread tries first: the last one it took.
#[inline]
pub(super) fn preferred(slots: usize) -> usize {
    LAST_TAKEN.get().unwrap_or_else(|| gettid().as_raw() as usize) % slots.max(1)
}

thread_local! {
    static LAST_TAKEN: Cell<Option<usize>> = const { Cell::new(None) };
}
