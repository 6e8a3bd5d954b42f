//! ioctl(2) requests that nix does not wrap.

#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// `FIONREAD`: the number of bytes that can be read now (pipe(7), unix(7)).
pub(crate) fn bytes_readable(fd: BorrowedFd<'_>) -> nix::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: because FIONREAD writes one int, to a variable of that type (ioctl_list(2)).
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &mut bytes) })?;
    Ok(bytes as usize)
}

/// `FIONBIO`: sets or clears `O_NONBLOCK` on the open file description (ioctl_list(2)).
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>, yes: bool) -> nix::Result<()> {
    let mut on = libc::c_int::from(yes);
    // SAFETY: because FIONBIO reads one int, from a variable of that type (ioctl_list(2)).
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONBIO, &mut on) }).map(drop)
}
