//! The numbers of the standard streams, 0 to 2, which a child's setup overwrites.
//!
//! A program may run with some of them closed. The next descriptors that it opens get these
//! numbers. So what a child needs is moved above them, and free ones are occupied while a child is
//! started: std opens a socket then, through which the child reports a failure.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// The first descriptor number after the standard streams.
pub(super) const FIRST_FD: RawFd = 3;

/// Occupies the free numbers of standard streams until it is dropped. The child does not inherit
/// them.
///
/// They are eventfds, so that a thread that writes to a closed stream meanwhile gets an error, and
/// no `SIGPIPE`.
pub(super) fn occupy() -> nix::Result<Vec<EventFd>> {
    let mut occupied = Vec::new();
    while (0..FIRST_FD).any(is_closed) {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        occupied.push(EventFd::from_value_and_flags(0, flags)?);
    }
    Ok(occupied)
}

fn is_closed(number: RawFd) -> bool {
    // SAFETY: because F_GETFD only reads a flag, of any number (fcntl(2)).
    unsafe { libc::fcntl(number, libc::F_GETFD) == -1 }
}

/// Moves the descriptor above the standard streams if it is one of them.
pub(super) fn above_streams(fd: OwnedFd) -> nix::Result<OwnedFd> {
    if fd.as_raw_fd() >= FIRST_FD { Ok(fd) } else { duplicate_from(fd.as_fd(), FIRST_FD) }
}

/// Duplicates to the lowest free number from `lowest` up, close-on-exec.
pub(super) fn duplicate_from(fd: BorrowedFd<'_>, lowest: RawFd) -> nix::Result<OwnedFd> {
    match fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(lowest)) {
        // SAFETY: because F_DUPFD_CLOEXEC returns a new descriptor without another owner
        // (fcntl(2)).
        Ok(number) => Ok(unsafe { OwnedFd::from_raw_fd(number) }),
        // `lowest` itself exceeds the limit.
        Err(Errno::EINVAL) => Err(Errno::EMFILE),
        Err(errno) => Err(errno),
    }
}
