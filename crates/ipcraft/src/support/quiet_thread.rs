//! Threads of the library's own, to which no signal is delivered.

use std::thread::{Builder, JoinHandle};

use super::{errno, process_limit};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::signal;

/// Sufficient for what these threads call, in bytes. Each thread of a process costs its stack.
const STACK_SIZE: usize = 256 << 10;

/// Starts the thread with all signals blocked.
pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let mask_error = |e| Error::from_errno("pthread_sigmask", e);
    let previous = signal::block(u64::MAX).map_err(mask_error)?;
    let started = Builder::new().name(name.into()).stack_size(STACK_SIZE).spawn(run);
    signal::set_mask(previous).map_err(mask_error)?;
    started.map_err(|e| {
        Error::from_errno("pthread_create", errno(&e))
            .with_kind(ErrorKind::LimitReached)
            .with_limit(process_limit::processes())
            .with_hint("end threads, or raise RLIMIT_NPROC or the control group's pids.max")
    })
}
