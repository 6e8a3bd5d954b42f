//! A storm of signals: a handler catches a thousand a second, so that every blocking call is
//! interrupted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// How a handler is installed, which decides whether the interrupted call continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// Without `SA_RESTART`: every blocked call ends with `EINTR`.
    Interrupting,
    /// With `SA_RESTART`: the kernel restarts some calls, and ends others with `EINTR` (signal(7)).
    Restarting,
}

impl Handler {
    /// Each of them.
    pub const BOTH: [Handler; 2] = [Handler::Interrupting, Handler::Restarting];

    fn flags(self) -> SaFlags {
        match self {
            Handler::Interrupting => SaFlags::empty(),
            Handler::Restarting => SaFlags::SA_RESTART,
        }
    }
}

/// Lasts until it is dropped. There is one at a time, since the timer and the handler belong to the
/// process.
#[derive(Debug)]
pub struct Storm {
    previous: SigAction,
    before: u64,
}

impl Storm {
    /// Starts the storm for the calling process. Its children receive no signals.
    ///
    /// # Panics
    ///
    /// If the signal cannot be handled.
    pub fn start(handler: Handler) -> Storm {
        let action = SigAction::new(SigHandler::Handler(count), handler.flags(), SigSet::empty());
        // SAFETY: because the handler does nothing but add to an atomic, which is
        // async-signal-safe.
        let previous = unsafe { sigaction(Signal::SIGALRM, &action) }.expect("sigaction");
        let storm = Storm { previous, before: CAUGHT.load(Relaxed) };
        every(1000);
        storm
    }

    /// The number of signals that were caught so far.
    pub fn caught(&self) -> u64 {
        CAUGHT.load(Relaxed) - self.before
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        every(0);
        // A signal may still be pending for another thread. Ignoring the signal discards it.
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: because ignoring a signal runs no code.
        let ignored = unsafe { sigaction(Signal::SIGALRM, &ignore) };
        assert!(ignored.is_ok(), "sigaction with a valid signal");
        // SAFETY: because the action is the previous one, which is still valid.
        let restored = unsafe { sigaction(Signal::SIGALRM, &self.previous) };
        assert!(restored.is_ok(), "sigaction with an action from sigaction");
    }
}

extern "C" fn count(_signal: libc::c_int) {
    CAUGHT.fetch_add(1, Relaxed);
}

/// setitimer(2): a SIGALRM at this interval in microseconds; 0 stops it.
fn every(microseconds: libc::suseconds_t) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: because setitimer(2) reads the new value, and a null old value is allowed.
    let status = unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
    assert_eq!(status, 0, "setitimer with a valid interval");
}
