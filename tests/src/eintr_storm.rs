//! A storm of signals: a thousand a second, each caught by a handler, so that every call that sleeps is interrupted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// How a handler is installed, which decides what becomes of the call that it interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// Without `SA_RESTART`: every call that sleeps ends with `EINTR`.
    Interrupting,
    /// With `SA_RESTART`: the kernel goes on with some calls, and ends others with `EINTR` all the same (signal(7)).
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

/// Blows until dropped; one at a time, since the timer and the handler are the process's.
#[derive(Debug)]
pub struct Storm {
    previous: SigAction,
    before: u64,
}

impl Storm {
    /// Starts it for the calling process; children of it stay calm.
    ///
    /// # Panics
    ///
    /// If the signal cannot be handled.
    pub fn start(handler: Handler) -> Storm {
        let action = SigAction::new(SigHandler::Handler(count), handler.flags(), SigSet::empty());
        // SAFETY: because the handler does nothing but add to an atomic, which is async-signal-safe.
        let previous = unsafe { sigaction(Signal::SIGALRM, &action) }.expect("sigaction");
        let storm = Storm { previous, before: CAUGHT.load(Relaxed) };
        every(1000);
        storm
    }

    /// How many signals were caught so far.
    pub fn caught(&self) -> u64 {
        CAUGHT.load(Relaxed) - self.before
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        every(0);
        // One may be on its way to another thread still; to ignore a signal is to discard those that are pending.
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: because ignoring a signal runs no code.
        let ignored = unsafe { sigaction(Signal::SIGALRM, &ignore) };
        assert!(ignored.is_ok(), "sigaction with a valid signal");
        // SAFETY: because the action is the one that was there before, as valid now as it was then.
        let restored = unsafe { sigaction(Signal::SIGALRM, &self.previous) };
        assert!(restored.is_ok(), "sigaction with an action from sigaction");
    }
}

extern "C" fn count(_signal: libc::c_int) {
    CAUGHT.fetch_add(1, Relaxed);
}

/// setitimer(2): a SIGALRM every so many microseconds; 0 stops it.
fn every(microseconds: libc::suseconds_t) {
    let interval = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: because setitimer(2) reads the new value, and a null old value is allowed.
    let status = unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
    assert_eq!(status, 0, "setitimer with a valid interval");
}
