//! Why a lock was not taken, or not in the usual way.

use std::fmt;

use nix::errno::Errno;

use super::inconsistent::{Exclusive, Inconsistent};
use super::{held, namespace};
use crate::error::{Error, ErrorKind, Result};

/// What happened to the last owner of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its thread ended, its process was killed or exited, or called exec.
    OwnerDied,
    /// It panicked while it held the lock.
    Panicked,
}

/// What a call that takes a lock may have for an answer besides the guard `G`.
///
/// There is no conversion to [`Error`] on purpose: a `?` would drop the lock of inconsistent data, and with that give up
/// on it for everybody. Decide with `match`, or with [`repair`](LockError::repair).
pub enum LockError<G: Exclusive> {
    /// **The caller has the lock**, and the last owner left the data in the middle of something.
    Inconsistent(Inconsistent<G>),
    /// The caller does not have the lock.
    Failed(Error),
}

impl<G: Exclusive> LockError<G> {
    /// Repairs the data, where that is what it takes, and goes on with the lock.
    ///
    /// For `lock().or_else(|e| e.repair(…))`. If `repair` panics the next owner is told in its turn.
    ///
    /// # Errors
    ///
    /// The error, if the caller does not have the lock.
    pub fn repair(self, repair: impl FnOnce(&mut G::Target)) -> Result<G> {
        match self {
            LockError::Inconsistent(mut found) => {
                repair(&mut found);
                Ok(found.mark_consistent())
            }
            LockError::Failed(error) => Err(error),
        }
    }

    /// The kind of the error: [`OwnerDied`](ErrorKind::OwnerDied) for inconsistent data.
    pub fn kind(&self) -> ErrorKind {
        match self {
            LockError::Inconsistent(_) => ErrorKind::OwnerDied,
            LockError::Failed(error) => error.kind(),
        }
    }
}

impl<G: Exclusive> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Inconsistent(found) if found.cause() == Cause::Panicked => {
                f.write_str("locked, but the last owner panicked: repair the data")
            }
            LockError::Inconsistent(_) => f.write_str("locked, but the last owner died: repair the data"),
            LockError::Failed(error) => error.fmt(f),
        }
    }
}

impl<G: Exclusive> fmt::Debug for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Inconsistent(found) => f.debug_tuple("Inconsistent").field(&found.cause()).finish(),
            LockError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<G: Exclusive> std::error::Error for LockError<G> {}

/// What the C library said, or the limit of this one.
#[cold]
pub(super) fn failed(operation: &'static str, errno: Errno) -> Error {
    let error = Error::from_errno(operation, errno);
    match errno {
        Errno::EBUSY => error.with_kind(ErrorKind::WouldBlock),
        namespace::NOWHERE => not_initialised(operation),
        namespace::ELSEWHERE => error
            .with_kind(ErrorKind::PermissionDenied)
            .with_hint("it is for the processes of another pid namespace: make one for those of this"),
        held::TOO_MANY => error
            .with_limit(Some(held::limit()))
            .with_hint("the kernel frees no more locks of a thread that dies: hold fewer at a time"),
        Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES => {
            error.with_name(namespace::FILE).with_hint("mount /proc before a process first uses a lock")
        }
        _ => error,
    }
}

/// Why nobody can have a lock in this condition.
#[cold]
pub(super) fn unusable(operation: &'static str, condition: u32) -> Error {
    match condition {
        super::condition::ABANDONED => {
            Error::from_errno(operation, Errno::ENOTRECOVERABLE).with_hint("make a new one")
        }
        super::condition::NEW => not_initialised(operation),
        _ => Error::new(operation, ErrorKind::WrongType).with_hint("somebody has overwritten it"),
    }
}

/// For memory that another thread is initializing, or that died in the middle of it.
#[cold]
pub(super) fn initializing(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::InUse).with_hint("another thread is initializing it, or died there")
}

/// For new memory.
#[cold]
pub(super) fn not_initialised(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::Invalid).with_hint("it was not initialised: call init")
}
