//! The errors of the lock operations.

use nix::errno::Errno;

use super::{c_library, held_count, pid_namespace};
use crate::error::{Error, ErrorKind};

/// Returns the error for an errno of the C library, or for a limit of this library.
#[cold]
pub(super) fn failed(operation: &'static str, errno: Errno) -> Error {
    let error = Error::from_errno(operation, errno);
    match errno {
        Errno::EBUSY => error.with_kind(ErrorKind::WouldBlock),
        Errno::EDEADLK => error.with_hint("release what this thread holds first"),
        pid_namespace::UNINITIALIZED => not_initialized(operation),
        pid_namespace::FOREIGN_PID_NS => error
            .with_kind(ErrorKind::PermissionDenied)
            .with_hint("the lock was initialized in another pid namespace"),
        held_count::LIMIT_EXCEEDED => error
            .with_limit(Some(held_count::limit()))
            .with_hint("release other locks that the calling thread holds"),
        c_library::UNKNOWN_PROCESS => error.with_hint("start the process with fork, or call exec in it"),
        Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES => error
            .with_name(pid_namespace::NAMESPACE_FILE)
            .with_hint("mount /proc before a process first uses a lock"),
        _ => error,
    }
}

/// Returns the error for memory that another thread is initializing.
#[cold]
pub(super) fn initializing(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::InUse).with_hint("wait for the other thread, or create new memory")
}

/// Returns the error for memory that no completed `init` has made a lock.
#[cold]
pub(super) fn not_initialized(operation: &'static str) -> Error {
    Error::new(operation, ErrorKind::Invalid).with_hint("call `init` before the first use of the lock")
}
