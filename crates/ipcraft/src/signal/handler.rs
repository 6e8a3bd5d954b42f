//! Signal handlers that count deliveries.

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

/// `sigaction(2)`: installs a handler that counts the signal, in place of the default action.
///
/// A handler belongs to the whole process. It is installed through the registry of the signal-hook
/// crate, which also calls its other users and the previously installed handler. The flag is
/// `SA_RESTART`. The handler adds one to an atomic counter, which is async-signal-safe.
///
/// Calls of this library continue after the handler. To poll the counter between calls, wait with a
/// [`Deadline`]. To be woken by a signal, [`block`](super::block) it and poll a
/// [`SignalFd`](super::SignalFd).
///
/// The registry keeps its handler after the guard is dropped. The signal then has **no effect**: it
/// does not kill the process as it would by default.
///
/// # Errors
///
/// [`Invalid`](ErrorKind::Invalid) for `SIGKILL` and `SIGSTOP`, which cannot be caught; for
/// `SIGSEGV`, `SIGILL` and `SIGFPE`, after which a program cannot safely continue; and for the C
/// library's 32 and 33.
///
/// [`Deadline`]: crate::time::Deadline
#[doc(alias = "sigaction")]
#[doc(alias = "signal")]
pub fn catch(signal: Signal) -> Result<SignalCounter> {
    if FORBIDDEN.contains(&signal.number()) {
        return Err(not_catchable(Error::new(SIGACTION, ErrorKind::Invalid), signal));
    }
    let count = Arc::new(AtomicU64::new(0));
    let handler = {
        let count = count.clone();
        move || {
            count.fetch_add(1, AcqRel);
        }
    };
    // SAFETY: because the handler only adds to an atomic number, which is async-signal-safe
    // (signal-safety(7)), and cannot panic.
    match unsafe { register(signal.number(), handler) } {
        Ok(registration) => Ok(SignalCounter { count, registration, signal }),
        Err(e) => Err(sigaction_error(&e, signal)),
    }
}

#[cold]
fn sigaction_error(error: &io::Error, signal: Signal) -> Error {
    not_catchable(Error::from_errno(SIGACTION, errno(error)), signal)
}

fn not_catchable(error: Error, signal: Signal) -> Error {
    error.with_name(signal.to_string()).with_hint("block this signal instead; it cannot be caught safely")
}

/// The counter of a caught signal, from [`catch`]. Dropping it ends the counting.
#[derive(Debug)]
#[must_use = "dropping the counter ends the counting"]
pub struct SignalCounter {
    count: Arc<AtomicU64>,
    registration: SigId,
    signal: Signal,
}

impl SignalCounter {
    /// Returns how often the handler has run since the last [`take`](SignalCounter::take).
    ///
    /// Standard signals merge while pending, so the count may be less than the number sent.
    #[inline]
    pub fn count(&self) -> u64 {
        self.count.load(Acquire)
    }

    /// Returns the [`count`](SignalCounter::count) and resets it to 0.
    #[inline]
    pub fn take(&self) -> u64 {
        self.count.swap(0, AcqRel)
    }

    /// Returns the counted signal.
    pub fn signal(&self) -> Signal {
        self.signal
    }
}

impl Drop for SignalCounter {
    fn drop(&mut self) {
        unregister(self.registration);
    }
}
