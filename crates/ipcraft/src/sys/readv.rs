//! readv(2) and its relatives: read(2), preadv2(2), pwritev2(2).

#![allow(unsafe_code)]

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::byte_count;

/// `RWF_NOWAIT`: fail with `EAGAIN` instead of blocking, for this call only.
///
/// FIFOs, and pipes before Linux 6.4, refuse it with `EOPNOTSUPP`.
pub(crate) const NOWAIT: libc::c_int = libc::RWF_NOWAIT;

/// `RWF_NOSIGNAL`: raise no `SIGPIPE` (Linux 6.18; include/uapi/linux/fs.h).
pub(crate) const NOSIGNAL: libc::c_int = 0x100;

/// The offset that means the current position, the only one that a pipe has.
const CURRENT_POSITION: libc::off_t = -1;

/// read(2).
#[inline]
pub(crate) fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: because read(2) writes at most `len` bytes to the buffer, which is borrowed mutably
    // for the call.
    let count = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    byte_count(count)
}

/// read(2) of structures that the kernel fills in; with flags, preadv2(2). Returns the number of
/// bytes.
#[inline]
pub(crate) fn read_into<T>(
    fd: BorrowedFd<'_>,
    room: &mut [MaybeUninit<T>],
    flags: libc::c_int,
) -> nix::Result<usize> {
    let (fd, start, size) = (fd.as_raw_fd(), room.as_mut_ptr().cast(), size_of_val(room));
    let count = if flags == 0 {
        // SAFETY: because read(2) writes at most `size` bytes to the room, which is borrowed
        // mutably for the call.
        unsafe { libc::read(fd, start, size) }
    } else {
        let room = libc::iovec { iov_base: start, iov_len: size };
        // SAFETY: because preadv2(2) writes at most `size` bytes to the room, which is borrowed
        // mutably for the call.
        unsafe { libc::preadv2(fd, &raw const room, 1, CURRENT_POSITION, flags) }
    };
    byte_count(count)
}

/// preadv2(2).
pub(crate) fn preadv2(
    fd: BorrowedFd<'_>,
    buffers: &mut [IoSliceMut<'_>],
    flags: libc::c_int,
) -> nix::Result<usize> {
    let (start, count) = (buffers.as_mut_ptr().cast::<libc::iovec>(), buffers.len() as libc::c_int);
    // SAFETY: because IoSliceMut has the layout of iovec (std's guarantee) and its buffers are
    // borrowed mutably.
    let count = unsafe { libc::preadv2(fd.as_raw_fd(), start, count, CURRENT_POSITION, flags) };
    byte_count(count)
}

/// pwritev2(2).
#[inline]
pub(crate) fn pwritev2(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>], flags: libc::c_int) -> nix::Result<usize> {
    let (start, count) = (parts.as_ptr().cast::<libc::iovec>(), parts.len() as libc::c_int);
    // SAFETY: because IoSlice has the layout of iovec (std's guarantee) and its bytes are borrowed
    // for the call.
    let count = unsafe { libc::pwritev2(fd.as_raw_fd(), start, count, CURRENT_POSITION, flags) };
    byte_count(count)
}
