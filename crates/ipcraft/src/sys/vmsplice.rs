//! vmsplice(2) from a pipe into memory.

#![allow(unsafe_code)]

use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::byte_count;

/// vmsplice(2) with `SPLICE_F_NONBLOCK` on the read end of a pipe or FIFO: copies bytes out of it
/// as read(2) does, and fails with `EAGAIN` instead of blocking.
///
/// It reads across the boundaries of packets. `fd` must not be open for writing: the call would put
/// the memory *into* the pipe.
pub(crate) fn read_nonblocking(fd: BorrowedFd<'_>, buffers: &mut [IoSliceMut<'_>]) -> nix::Result<usize> {
    let (start, count) = (buffers.as_mut_ptr().cast::<libc::iovec>(), buffers.len());
    // SAFETY: because IoSliceMut has the layout of iovec (std's guarantee) and its buffers are
    // borrowed mutably for the call, which keeps no reference to them on a read end (vmsplice(2)).
    byte_count(unsafe { libc::vmsplice(fd.as_raw_fd(), start, count, libc::SPLICE_F_NONBLOCK) })
}
