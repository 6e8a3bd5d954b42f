//! The word beside a lock that says what its data is like.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::atomic::AtomicU32;
use super::failure::{failed, initializing};
use crate::error::Result;

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

/// Initializes a lock with `make`, unless it is initialized already. If `make` fails, the memory is
/// uninitialized again, so that a later call can succeed.
pub(super) fn initialize(
    operation: &'static str,
    condition: &AtomicU32,
    make: impl FnOnce() -> nix::Result<()>,
) -> Result<()> {
    match condition.compare_exchange(NEW, UNDER_WAY, Acquire, Acquire) {
        Ok(_) => {}
        Err(UNDER_WAY) => return Err(initializing(operation)),
        Err(_) => return Ok(()),
    }
    let made = make();
    condition.store(if made.is_ok() { INITIALISED } else { NEW }, Release);
    made.map_err(|e| failed(operation, e))
}

/// Notes what has happened to usable data; what is noted already stays so until somebody repairs the data.
pub(super) fn note(condition: &AtomicU32, what: u32) {
    if condition.load(Relaxed) == INITIALISED {
        condition.store(what, Relaxed);
    }
}
