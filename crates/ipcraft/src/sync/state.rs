//! The state word of a lock: whether it is initialized, and whether its data is consistent.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::atomic::AtomicU32;
use super::errors::{failed, initializing};
use crate::error::Result;

/// New memory.
pub(super) const UNINITIALIZED: u32 = 0;
/// A thread is initializing the lock, or died there.
pub(super) const INITIALIZING: u32 = 1;
/// The lock is initialized and its data is consistent.
pub(super) const INITIALIZED: u32 = 2;
/// An owner died, and no later owner has repaired the data yet.
pub(super) const OWNER_DIED: u32 = 3;
/// An owner panicked, and no later owner has repaired the data yet.
pub(super) const PANICKED: u32 = 4;
/// An owner abandoned inconsistent data.
pub(super) const ABANDONED: u32 = 5;
/// A writer is changing the data. If the lock is free in this state, that writer died.
pub(super) const WRITING: u32 = 6;

/// Runs `make` unless the lock is initialized already.
///
/// If `make` fails, the memory is uninitialized again, so that a later call can succeed.
pub(super) fn initialize(
    operation: &'static str,
    state: &AtomicU32,
    make: impl FnOnce() -> nix::Result<()>,
) -> Result<()> {
    match state.compare_exchange(UNINITIALIZED, INITIALIZING, Acquire, Acquire) {
        Ok(_) => {}
        Err(INITIALIZING) => return Err(initializing(operation)),
        Err(_) => return Ok(()),
    }
    let made = make();
    state.store(if made.is_ok() { INITIALIZED } else { UNINITIALIZED }, Release);
    made.map_err(|errno| failed(operation, errno))
}

/// Marks consistent data as inconsistent for `cause`. An earlier cause stays until a repair.
pub(super) fn mark(state: &AtomicU32, cause: u32) {
    if state.load(Relaxed) == INITIALIZED {
        state.store(cause, Relaxed);
    }
}
