//! Names of descriptors under /proc/self/fd (proc_pid_fd(5)).

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::sys::retry;

/// The path that leads to the file behind `fd`.
pub(crate) fn path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Returns the path that leads to the file behind `fd`, for a call that takes a path only.
///
/// Fails with `ENOSYS` if /proc is not mounted.
pub(crate) fn checked_path(fd: BorrowedFd<'_>) -> nix::Result<String> {
    let path = path(fd);
    match std::fs::symlink_metadata(&path) {
        Ok(_) => Ok(path),
        Err(_) => Err(Errno::ENOSYS),
    }
}

/// Opens the file behind `fd` again: close-on-exec, under an open file description of its own.
///
/// Fails with `ENOENT` if /proc is not mounted.
pub(crate) fn reopen(fd: BorrowedFd<'_>, flags: OFlag) -> nix::Result<OwnedFd> {
    let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    retry(|| open(path(fd).as_str(), flags, Mode::empty()))
}
