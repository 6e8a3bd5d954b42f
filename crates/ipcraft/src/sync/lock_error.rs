//! The outcomes of locking other than a guard of consistent data.

use std::fmt;

use super::exclusive_guard::ExclusiveGuard;
use super::inconsistent::Inconsistent;
use crate::error::{Error, ErrorKind, Result};

/// What happened to the last owner of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Its thread ended, or its process exited, was killed or called exec.
    OwnerDied,
    /// It panicked while it held the lock.
    Panicked,
}

/// The outcome of locking other than a guard `G` of consistent data.
///
/// There is no conversion to [`Error`], on purpose: with `?` the caller would drop the lock of
/// inconsistent data and thereby abandon it for every process. Decide with `match`, or with
/// [`repair`](LockError::repair).
///
/// The enum is exhaustive on purpose: the caller either holds the lock or does not.
pub enum LockError<G: ExclusiveGuard> {
    /// **The caller holds the lock.** The last owner may have left the data half changed.
    Inconsistent(Inconsistent<G>),
    /// The caller does not hold the lock.
    Failed(Error),
}

impl<G: ExclusiveGuard> LockError<G> {
    /// Repairs the data if it is inconsistent, and returns the guard.
    ///
    /// Meant for `lock().or_else(|e| e.repair(…))`. If `repair` panics, the next owner receives the
    /// inconsistent data.
    ///
    /// # Errors
    ///
    /// The error, if the caller does not hold the lock.
    pub fn repair(self, repair: impl FnOnce(&mut G::Target)) -> Result<G> {
        match self {
            LockError::Inconsistent(mut found) => {
                repair(&mut found);
                Ok(found.mark_consistent())
            }
            LockError::Failed(error) => Err(error),
        }
    }

    /// Returns the kind of the error: [`OwnerDied`](ErrorKind::OwnerDied) for inconsistent data.
    pub fn kind(&self) -> ErrorKind {
        match self {
            LockError::Inconsistent(_) => ErrorKind::OwnerDied,
            LockError::Failed(error) => error.kind(),
        }
    }
}

impl<G: ExclusiveGuard> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Inconsistent(found) if found.cause() == Cause::Panicked => {
                f.write_str("locked, but the last owner panicked; repair the data")
            }
            LockError::Inconsistent(_) => f.write_str("locked, but the last owner died; repair the data"),
            LockError::Failed(error) => error.fmt(f),
        }
    }
}

impl<G: ExclusiveGuard> fmt::Debug for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Inconsistent(found) => f.debug_tuple("Inconsistent").field(&found.cause()).finish(),
            LockError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<G: ExclusiveGuard> std::error::Error for LockError<G> {}
