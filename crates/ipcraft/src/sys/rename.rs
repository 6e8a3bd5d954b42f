//! rename(2): moving a name without replacing another, and exchanging two.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// renameat2(2) with `RENAME_NOREPLACE`, inside one directory: fails with `EEXIST` if `to` exists.
///
/// Some file systems lack the flag and fail with `EINVAL`.
pub(crate) fn rename_noreplace(directory: BorrowedFd<'_>, from: &CStr, to: &CStr) -> nix::Result<()> {
    renameat2(directory, from, to, libc::RENAME_NOREPLACE)
}

/// renameat2(2) with `RENAME_EXCHANGE`, inside one directory: fails with `ENOENT` if one of the
/// names does not exist.
///
/// Some file systems lack the flag and fail with `EINVAL`.
pub(crate) fn rename_exchange(directory: BorrowedFd<'_>, one: &CStr, other: &CStr) -> nix::Result<()> {
    renameat2(directory, one, other, libc::RENAME_EXCHANGE)
}

fn renameat2(directory: BorrowedFd<'_>, from: &CStr, to: &CStr, flags: libc::c_uint) -> nix::Result<()> {
    let directory = directory.as_raw_fd();
    // SAFETY: because renameat2(2) reads two strings, which live and end in a NUL byte.
    let result = unsafe {
        libc::syscall(libc::SYS_renameat2, directory, from.as_ptr(), directory, to.as_ptr(), flags)
    };
    Errno::result(result).map(drop)
}
