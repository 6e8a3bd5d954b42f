//! The state word of a lock: whether it is initialized, and whether its data is consistent.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use nix::errno::Errno;

use super::atomic::AtomicU32;
use super::errors::{failed, initializing, not_initialized};
use crate::error::{Error, ErrorKind, Result};

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

/// Returns the error for a lock in a state that no owner can use.
#[cold]
pub(super) fn unusable(operation: &'static str, state: u32) -> Error {
    match state {
        ABANDONED => Error::from_errno(operation, Errno::ENOTRECOVERABLE).with_hint("create a new lock"),
        UNINITIALIZED | INITIALIZING => not_initialized(operation),
        _ => Error::new(operation, ErrorKind::WrongType).with_hint("find what overwrote the lock"),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use nix::errno::Errno;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn initialize_after_failure_succeeds_and_runs_once() {
        let state = AtomicU32::new(UNINITIALIZED);
        let error = initialize("init", &state, || Err(Errno::ENOENT)).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::NotFound, Some(libc::ENOENT)));
        assert_eq!(state.load(SeqCst), UNINITIALIZED);
        initialize("init", &state, || Ok(())).unwrap();
        assert_eq!(state.load(SeqCst), INITIALIZED);
        initialize("init", &state, || unreachable!()).unwrap();
    }

    #[test]
    fn initialize_during_another_initialization_fails_with_in_use() {
        let state = AtomicU32::new(UNINITIALIZED);
        initialize("init", &state, || {
            let error = initialize("init", &state, || unreachable!()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InUse);
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn mark_keeps_the_first_cause() {
        let state = AtomicU32::new(INITIALIZED);
        mark(&state, PANICKED);
        mark(&state, OWNER_DIED);
        assert_eq!(state.load(SeqCst), PANICKED);
    }
}
