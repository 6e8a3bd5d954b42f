//! dup3(2), on a descriptor that keeps its owner.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};

/// Makes `fd` refer to the open file of `new`, in this process only. The descriptor keeps its
/// number and close-on-exec, and the file gets `O_NONBLOCK` if the former one had it.
pub(crate) fn replace_file(fd: BorrowedFd<'_>, new: &OwnedFd) -> nix::Result<()> {
    let has_flag = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD)?).contains(FdFlag::FD_CLOEXEC);
    let nonblocking = fcntl(fd, FcntlArg::F_GETFL)? & libc::O_NONBLOCK;
    let own = fcntl(new.as_fd(), FcntlArg::F_GETFL)?;
    fcntl(new.as_fd(), FcntlArg::F_SETFL(OFlag::from_bits_retain(own | nonblocking)))?;
    let flags = if has_flag { libc::O_CLOEXEC } else { 0 };
    // SAFETY: because dup3(2) touches no memory. The number stays open and keeps its owner,
    // with another file of the same kind.
    Errno::result(unsafe { libc::dup3(new.as_raw_fd(), fd.as_raw_fd(), flags) }).map(drop)
}
