//! Handlers that count.

#![allow(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire};

use signal_hook::SigId;
use signal_hook::consts::FORBIDDEN;
use signal_hook::low_level::{register, unregister};

use super::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::support::errno;

const SIGACTION: &str = "sigaction";

/// `sigaction(2)`: from now on the signal is counted instead of doing what it does by default.
///
/// A handler belongs to the whole process, so it is installed through the registry of the signal-hook crate: other users
/// of that registry, and a handler that was there before, are called too. It is installed with `SA_RESTART`, and all it
/// does is to add one to a number, which is async-signal-safe. Calls of this library go on after it (see [`Deadline`] for a
/// loop that looks at the number now and then); to be woken by a signal, [`block`](super::block) it and poll a
/// [`SignalFd`](super::SignalFd).
///
/// The registry stays once it is there: after the guard is dropped the signal **does nothing at all**, and does not kill
/// as it would by default.
///
/// # Errors
///
/// [`Invalid`](ErrorKind::Invalid) for `SIGKILL` and `SIGSTOP`, which cannot be caught; for `SIGSEGV`, `SIGILL` and
/// `SIGFPE`, after which nothing sensible can go on; and for the C library's own 32 and 33.
///
/// [`Deadline`]: crate::time::Deadline
#[doc(alias = "sigaction")]
#[doc(alias = "signal")]
pub fn catch(signal: Signal) -> Result<SignalCounter> {
    if FORBIDDEN.contains(&signal.number()) {
        return Err(refused(Error::new(SIGACTION, ErrorKind::Invalid), signal));
    }
    let count = Arc::new(AtomicU64::new(0));
    let handler = {
        let count = count.clone();
        move || {
            count.fetch_add(1, AcqRel);
        }
    };
    // SAFETY: because the handler does nothing but add to an atomic number, which is async-signal-safe
    // (signal-safety(7)), and cannot panic.
    match unsafe { register(signal.number(), handler) } {
        Ok(registration) => Ok(SignalCounter { count, registration, signal }),
        Err(e) => Err(failed(&e, signal)),
    }
}

#[cold]
fn failed(error: &io::Error, signal: Signal) -> Error {
    refused(Error::from_errno(SIGACTION, errno(error)), signal)
}

fn refused(error: Error, signal: Signal) -> Error {
    error.with_name(signal.to_string()).with_hint("this signal cannot be caught, or not with safety")
}

/// A signal that is counted, from [`catch`]. Dropping it ends the counting.
#[derive(Debug)]
#[must_use = "dropping it ends the counting"]
pub struct SignalCounter {
    count: Arc<AtomicU64>,
    registration: SigId,
    signal: Signal,
}

impl SignalCounter {
    /// How often the handler has run since the last [`take`](SignalCounter::take): of standard signals, which merge, that may be
    /// less often than they were sent.
    #[inline]
    pub fn count(&self) -> u64 {
        self.count.load(Acquire)
    }

    /// The same, and starts again at 0.
    #[inline]
    pub fn take(&self) -> u64 {
        self.count.swap(0, AcqRel)
    }

    /// Which signal it is.
    pub fn signal(&self) -> Signal {
        self.signal
    }
}

impl Drop for SignalCounter {
    fn drop(&mut self) {
        unregister(self.registration);
    }
}
