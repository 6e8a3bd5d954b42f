//! Calls that raise `SIGPIPE`, without the signal.
//!
//! Sockets have `MSG_NOSIGNAL`, and pipes have `RWF_NOSIGNAL` from Linux 6.18 on (see
//! [`pipe_io`](super::pipe_io)). For pipes on older kernels, and for `splice`, `tee` and `vmsplice`
//! on every kernel, the signal is blocked and consumed here.

use std::time::Duration;

use nix::errno::Errno;

use crate::sys::{poll, signal};

/// The set that contains `SIGPIPE` only.
const SIGPIPE: u64 = 1 << (libc::SIGPIPE - 1);

/// Makes a call that raises `SIGPIPE` when no reader is left, and keeps only its `EPIPE`.
///
/// Costs one system call more where the program ignores or handles the signal, as Rust programs do
/// by default. Where the signal would kill, it costs four more, and a fifth on `EPIPE`.
pub(crate) fn suppress<T>(call: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
    if !signal::has_default_action(libc::SIGPIPE) {
        return call();
    }
    let was_pending = signal::pending()? & SIGPIPE != 0;
    let previous = signal::block(SIGPIPE)?;
    let result = call();
    if matches!(result, Err(Errno::EPIPE)) && !was_pending {
        // The signal is directed at this thread, so no other thread can have consumed it.
        let _ = signal::wait(SIGPIPE, Some(poll::timespec(Duration::ZERO)));
    }
    signal::set_mask(previous)?;
    result
}
