//! What several mechanisms need of the kernel and no user needs to see.

pub(crate) mod backoff;
pub(crate) mod batch;
pub(crate) mod capacity;
pub(crate) mod control;
pub(crate) mod duplicate;
pub(crate) mod ffi;
pub(crate) mod futex;
pub(crate) mod ioctl;
pub(crate) mod limits;
pub(crate) mod mq;
pub(crate) mod msg;
pub(crate) mod msgq;
pub(crate) mod pidfd;
pub(crate) mod pipe_end;
pub(crate) mod processor;
pub(crate) mod record_lock;
pub(crate) mod removal;
pub(crate) mod reserve;
pub(crate) mod rw;
pub(crate) mod segment;
pub(crate) mod signal;
pub(crate) mod sigpipe;
pub(crate) mod sockaddr;
pub(crate) mod socket;
pub(crate) mod sysv_semaphore;
pub(crate) mod wait;

use nix::errno::Errno;

/// Repeats a call for as long as signals interrupt it.
#[inline]
pub(crate) fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}
