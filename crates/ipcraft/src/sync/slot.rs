//! Rows of locks of which a thread takes any one that is free.
//!
//! What a thread holds by such a slot comes back when it dies, whatever it was doing: there is nothing else to put in
//! order.

use std::cell::Cell;

use nix::errno::Errno;
use nix::unistd::gettid;

use super::raw::RawMutex;

/// A lock on a cache line of its own, so that those who take different ones do not disturb each other.
#[repr(C, align(64))]
pub(super) struct Slot(pub(super) RawMutex);

/// Takes any free slot, first the one that this thread had last; `None` if all are taken.
#[inline]
pub(super) fn take_any(slots: &[Slot]) -> nix::Result<Option<usize>> {
    let first = usual(slots.len());
    for at in (first..slots.len()).chain(0..first) {
        match slots[at].0.forgiving(slots[at].0.try_lock()) {
            Ok(()) => {
                USUAL.set(Some(at));
                return Ok(Some(at));
            }
            Err(Errno::EBUSY) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(None)
}

/// Where this thread looks first.
#[inline]
pub(super) fn usual(slots: usize) -> usize {
    USUAL.get().unwrap_or_else(|| gettid().as_raw() as usize) % slots.max(1)
}

thread_local! {
    static USUAL: Cell<Option<usize>> = const { Cell::new(None) };
}
