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

/// Takes any free slot, beginning with the preferred one. Returns `None` if all are taken. Fails
/// with `EDEADLK` if this thread holds all of them.
#[inline(always)]
pub(super) fn try_take_any(slots: &[Slot]) -> nix::Result<Option<usize>> {
    let first = preferred(slots.len());
    for index in (first..slots.len()).chain(0..first) {
        match slots[index].0.ignore_owner_death(slots[index].0.try_lock()) {
            Ok(()) => {
                LAST_TAKEN.set(Some(index));
                return Ok(Some(index));
            }
            Err(Errno::EBUSY | Errno::EDEADLK) => {}
            Err(errno) => return Err(errno),
        }
    }
    try_take_again(slots)
}

/// Tries all slots once more, to find out whether another thread holds one of them.
#[cold]
fn try_take_again(slots: &[Slot]) -> nix::Result<Option<usize>> {
    let mut outcome = Err(Errno::EDEADLK);
    for (index, slot) in slots.iter().enumerate() {
        match slot.0.ignore_owner_death(slot.0.try_lock()) {
            Ok(()) => return Ok(Some(index)),
            Err(Errno::EBUSY) => outcome = Ok(None),
            Err(Errno::EDEADLK) => {}
            Err(errno) => return Err(errno),
        }
    }
    outcome
}

/// Returns the slot to wait for: the preferred one, unless this thread holds it.
pub(super) fn awaited(slots: &[Slot]) -> usize {
    let first = preferred(slots.len());
    let held = |&index: &usize| slots[index].0.is_owned_by_caller();
    (first..slots.len()).chain(0..first).find(|index| !held(index)).unwrap_or(first)
}

/// Returns the slot that this thread tries first: the last one it took.
#[inline]
fn preferred(slots: usize) -> usize {
    LAST_TAKEN.get().unwrap_or_else(|| gettid().as_raw() as usize) % slots.max(1)
}

/// Makes the slot the preferred one, so that a model does the same in each run.
#[cfg(all(test, loom))]
pub(super) fn prefer(slot: usize) {
    LAST_TAKEN.set(Some(slot));
}

thread_local! {
    static LAST_TAKEN: Cell<Option<usize>> = const { Cell::new(None) };
}
