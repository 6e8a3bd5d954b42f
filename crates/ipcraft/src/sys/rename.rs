//! rename(2): moving a name without replacing another.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// renameat2(2) with `RENAME_NOREPLACE`, inside one directory: fails with `EEXIST` if `to` exists.
///
/// Some file systems lack the flag and fail with `EINVAL`.
pub(crate) fn rename_noreplace(directory: BorrowedFd<'_>, from: &CStr, to: &CStr) -> nix::Result<()> {
    let directory = directory.as_raw_fd();
    // SAFETY: because renameat2(2) reads two strings, which live and end in a NUL byte.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            directory,
            from.as_ptr(),
            directory,
            to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    Errno::result(result).map(drop)
}
