//! pread(2) and pwrite(2) of one byte of a file, as events that inotify(7) reports.

#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};

use super::byte_count;

/// pread(2): copies the byte at `offset` of the file to `*to`, which may be in a shared mapping.
/// The event follows the copy, and a signal cannot end the call between the two.
///
/// # Safety
///
/// `to` points to a mapped byte to which other threads make atomic accesses only.
pub(crate) unsafe fn read_byte(fd: BorrowedFd<'_>, to: *mut u8, offset: libc::off_t) -> nix::Result<usize> {
    // SAFETY: because the caller promised that the byte is mapped, and the kernel stores one byte
    // as another process would.
    byte_count(unsafe { libc::pread(fd.as_raw_fd(), to.cast(), 1, offset) })
}

/// pwrite(2): stores a zero byte at `offset` of the file. The event follows the store, and a signal
/// cannot end the call between the two.
pub(crate) fn write_zero(fd: BorrowedFd<'_>, offset: libc::off_t) -> nix::Result<usize> {
    // SAFETY: because the byte that pwrite(2) reads lives until the call returns.
    byte_count(unsafe { libc::pwrite(fd.as_raw_fd(), [0_u8].as_ptr().cast(), 1, offset) })
}
