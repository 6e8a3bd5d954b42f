//! Advice in errors that all System V objects have in common.

use nix::errno::Errno;

use crate::error::Error;

/// The advice for an owner that the kernel does not know.
pub(crate) const IDS: &str = "pass ids that this user namespace maps";

/// Adds advice to an error for lack of a right.
#[cold]
pub(crate) fn advise(error: Error, errno: Errno) -> Error {
    match errno {
        Errno::EACCES => error.with_hint("check its owner and mode, which `ipcs` shows"),
        Errno::EPERM => error.with_hint("act as its owner or creator"),
        _ => error,
    }
}
