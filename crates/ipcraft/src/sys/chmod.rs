//! chmod(2) by a descriptor that was opened with `O_PATH`.

#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// fchmodat2(2), which Linux 6.6 introduced and libc does not name.
const SYS_FCHMODAT2: libc::c_long = 452;

/// fchmodat2(2) with `AT_EMPTY_PATH`: sets the mode of the file behind `fd`, whatever leads to it.
///
/// Fails with `ENOSYS` before Linux 6.6.
pub(crate) fn fchmod_path(fd: BorrowedFd<'_>, mode: libc::mode_t) -> nix::Result<()> {
    // SAFETY: because fchmodat2(2) reads an empty string, which ends in a NUL byte.
    let result =
        unsafe { libc::syscall(SYS_FCHMODAT2, fd.as_raw_fd(), c"".as_ptr(), mode, libc::AT_EMPTY_PATH) };
    Errno::result(result).map(drop)
}
