//! The system calls that neither std nor nix offers in the form needed here, as safe functions.
//!
//! Each file is named for its man page. Nothing here knows a mechanism, an [`Error`](crate::Error)
//! or a limit: what several mechanisms build on these calls is in [`support`](crate::support).

pub(crate) mod chmod;
pub(crate) mod cmsg;
pub(crate) mod cpu;
pub(crate) mod dup;
pub(crate) mod ffi;
pub(crate) mod futex;
pub(crate) mod futex_pi;
pub(crate) mod gettid;
pub(crate) mod inotify;
pub(crate) mod ioctl;
pub(crate) mod mincore;
pub(crate) mod ofd_lock;
pub(crate) mod pidfd;
pub(crate) mod poll;
pub(crate) mod posix_mq;
pub(crate) mod prctl;
pub(crate) mod pread;
pub(crate) mod readv;
pub(crate) mod rename;
pub(crate) mod sendmmsg;
pub(crate) mod sendmsg;
pub(crate) mod sigaction;
pub(crate) mod signal;
pub(crate) mod sockaddr;
pub(crate) mod socket;
pub(crate) mod sysv_msg;
pub(crate) mod sysv_sem;
pub(crate) mod sysv_shm;
pub(crate) mod vmsplice;

use nix::errno::Errno;

/// Repeats a call while signals interrupt it.
#[inline]
pub(crate) fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// The result of a call that returns a number of bytes, or -1 and an errno.
#[inline]
fn byte_count(returned: libc::ssize_t) -> nix::Result<usize> {
    usize::try_from(returned).map_err(|_| Errno::last())
}
