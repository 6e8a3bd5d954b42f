//! Blocking signals, and waiting for what is blocked.

use std::marker::PhantomData;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;

use super::{Signal, SignalInfo, SignalSet};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::poll;
use crate::sys::{retry, signal};
use crate::time::Deadline;

const BLOCK: &str = "pthread_sigmask";
const WAIT: &str = "sigtimedwait";

/// What nobody can block, and what the C library keeps for itself: it would leave the latter unblocked too.
const NEVER_BLOCKED: SignalSet =
    SignalSet::empty().with(Signal::KILL).with(Signal::STOP).union(SignalSet::from_bits(0b11 << 31));

/// `pthread_sigmask(3)`: blocks the signals for this thread until the guard is dropped.
///
/// A blocked signal does nothing: it stays pending until it is taken, with [`SignalMaskGuard::wait`] or a
/// [`SignalFd`](super::SignalFd), or unblocked. A signal for the process goes to any thread that does not block it, so
/// block it in `main` **before** the first thread is started: threads inherit the mask, as children do, also over exec.
/// In a thread that has inherited it, `block` of the same signals changes nothing and gives the guard to wait with.
///
/// `SIGKILL`, `SIGSTOP` and the C library's 32 and 33 are left out: see [`SignalMaskGuard::signals`]. A hardware fault
/// (`SIGSEGV`, `SIGBUS`, `SIGFPE`, `SIGILL`) kills, blocked or not.
///
/// # Errors
///
/// [`Invalid`](ErrorKind::Invalid) if nothing is left to block.
#[doc(alias = "pthread_sigmask")]
#[doc(alias = "sigprocmask")]
pub fn block(signals: impl Into<SignalSet>) -> Result<SignalMaskGuard> {
    let asked = signals.into();
    let signals = asked - NEVER_BLOCKED;
    if signals.is_empty() {
        let error = Error::new(BLOCK, ErrorKind::Invalid).with_name(asked.to_string());
        return Err(error.with_hint("there is no signal in it that can be blocked"));
    }
    let previous = signal::block(signals.bits()).map_err(|e| Error::from_errno(BLOCK, e))?;
    Ok(SignalMaskGuard { signals, previous, _of_this_thread: PhantomData })
}

/// `sigpending(2)`: the signals that have come for this thread or its process and are blocked.
///
/// Stale at once where other threads take signals too.
#[doc(alias = "sigpending")]
pub fn pending() -> Result<SignalSet> {
    signal::pending().map(SignalSet::from_bits).map_err(|e| Error::from_errno("sigpending", e))
}

/// Signals that this thread blocks, from [`block`], and can therefore wait for.
///
/// Dropping it restores the mask from before: drop several in the reverse order. What is pending and blocked no more is
/// **delivered then**, which kills if nothing handles it: take it first, if it may be there. To block for good,
/// [`forget`](std::mem::forget) the guard.
///
/// The mask is the thread's, and so is the guard:
///
/// ```compile_fail
/// let blocked = ipcraft::signal::block(ipcraft::signal::Signal::USR1)?;
/// std::thread::spawn(move || drop(blocked));
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it unblocks the signals at once"]
pub struct SignalMaskGuard {
    signals: SignalSet,
    /// The thread's mask before.
    previous: u64,
    /// Neither `Send` nor `Sync`: the mask is that of one thread.
    _of_this_thread: PhantomData<*const ()>,
}

impl SignalMaskGuard {
    /// The signals that are blocked, and waited for: those asked for, without those that cannot be.
    pub fn signals(&self) -> SignalSet {
        self.signals
    }

    /// `sigwaitinfo(2)`: takes one of the signals, and waits for one if there is none.
    ///
    /// The lowest number first; of a realtime signal the oldest. A handler does not run for a signal that is taken here,
    /// and one that is ignored is taken all the same.
    #[doc(alias = "sigwaitinfo")]
    #[doc(alias = "sigwait")]
    #[inline]
    pub fn wait(&self) -> Result<SignalInfo> {
        retry(|| self.take(None)).map_err(|e| Error::from_recv_errno(WAIT, e))
    }

    /// `sigtimedwait(2)`: [`wait`](SignalMaskGuard::wait) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[doc(alias = "sigtimedwait")]
    #[inline]
    pub fn try_wait(&self) -> Result<SignalInfo> {
        retry(|| self.take(Some(TimeSpec::new(0, 0)))).map_err(|e| Error::from_recv_errno(WAIT, e))
    }

    /// `sigtimedwait(2)`: [`wait`](SignalMaskGuard::wait) that fails with [`TimedOut`](ErrorKind::TimedOut) if no signal comes
    /// within `timeout`.
    #[doc(alias = "sigtimedwait")]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<SignalInfo> {
        let deadline = Deadline::after(timeout);
        loop {
            match self.take(deadline.remaining().map(poll::timespec)) {
                Err(Errno::EINTR) => {}
                // The kernel's longest time may be shorter than the caller's.
                Err(Errno::EAGAIN) if !deadline.has_passed() => {}
                Err(Errno::EAGAIN) => return Err(Error::from_recv_errno(WAIT, Errno::ETIMEDOUT)),
                taken => return taken.map_err(|e| Error::from_recv_errno(WAIT, e)),
            }
        }
    }

    #[inline]
    fn take(&self, timeout: Option<TimeSpec>) -> nix::Result<SignalInfo> {
        let arrival = signal::wait(self.signals.bits(), timeout)?;
        SignalInfo::new(arrival).ok_or(Errno::EINVAL)
    }
}

impl Drop for SignalMaskGuard {
    fn drop(&mut self) {
        // Cannot fail: the mask is one that this thread had.
        let _ = signal::set_mask(self.previous);
    }
}
