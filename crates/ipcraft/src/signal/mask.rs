//! Blocking signals, and waiting for blocked signals.

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

/// The signals that the kernel never blocks, and the two that the C library reserves and unblocks.
const NEVER_BLOCKED: SignalSet =
    SignalSet::empty().with(Signal::KILL).with(Signal::STOP).union(SignalSet::from_bits(0b11 << 31));

/// `pthread_sigmask(3)`: blocks the signals for this thread until the guard is dropped.
///
/// A blocked signal stays pending until it is unblocked, or taken with [`SignalMaskGuard::wait`] or
/// a [`SignalFd`](super::SignalFd). A signal for the process is delivered to any thread that does
/// not block it. So block it in `main` **before** the first thread starts. Threads and children
/// inherit the mask, and exec keeps it; for a child, see
/// [`Inherit::reset_signals`](crate::process::Inherit::reset_signals). In a thread that inherited
/// the mask, `block` returns the guard to wait with and leaves the mask unchanged.
///
/// `SIGKILL`, `SIGSTOP` and the C library's 32 and 33 are left out; see
/// [`SignalMaskGuard::signals`]. A hardware fault (`SIGSEGV`, `SIGBUS`, `SIGFPE`, `SIGILL`) kills
/// the process even if it is blocked.
///
/// # Errors
///
/// [`Invalid`](ErrorKind::Invalid) if the set contains no signal that can be blocked.
#[doc(alias = "pthread_sigmask")]
#[doc(alias = "sigprocmask")]
pub fn block(signals: impl Into<SignalSet>) -> Result<SignalMaskGuard> {
    let requested = signals.into();
    let signals = requested - NEVER_BLOCKED;
    if signals.is_empty() {
        let error = Error::new(BLOCK, ErrorKind::Invalid).with_name(requested.to_string());
        return Err(error.with_hint("include a signal that can be blocked"));
    }
    let previous = signal::block(signals.bits()).map_err(|e| Error::from_errno(BLOCK, e))?;
    Ok(SignalMaskGuard { signals, previous, _not_send: PhantomData })
}

/// `sigpending(2)`: returns the blocked signals that are pending for this thread or its process.
///
/// Another thread may have taken some of them by the time the call returns.
#[doc(alias = "sigpending")]
pub fn pending() -> Result<SignalSet> {
    signal::pending().map(SignalSet::from_bits).map_err(|e| Error::from_errno("sigpending", e))
}

/// Signals that this thread blocks and can wait for, from [`block`].
///
/// Dropping the guard restores the previous mask. Drop several guards in reverse order. Signals
/// that are pending and no longer blocked are **delivered then**, and kill the process if they have
/// no handler. Take pending signals before the drop. To block permanently,
/// [`forget`](std::mem::forget) the guard.
///
/// The mask belongs to one thread, and so does the guard:
///
/// ```compile_fail
/// let blocked = ipcraft::signal::block(ipcraft::signal::Signal::USR1)?;
/// std::thread::spawn(move || drop(blocked));
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping the guard unblocks the signals immediately"]
pub struct SignalMaskGuard {
    signals: SignalSet,
    /// The mask of the thread before [`block`].
    previous: u64,
    /// Makes the guard neither `Send` nor `Sync`: the mask belongs to one thread.
    _not_send: PhantomData<*const ()>,
}

impl SignalMaskGuard {
    /// Returns the signals that are blocked and waited for: the requested ones that can be blocked.
    pub fn signals(&self) -> SignalSet {
        self.signals
    }

    /// `sigwaitinfo(2)`: takes one pending signal, and blocks until there is one.
    ///
    /// The lowest number comes first; among realtime signals of one number, the oldest. No handler
    /// runs for a signal that is taken. Ignored signals are taken too.
    #[doc(alias = "sigwaitinfo")]
    #[doc(alias = "sigwait")]
    #[inline]
    pub fn wait(&self) -> Result<SignalInfo> {
        retry(|| self.take(None)).map_err(|e| Error::from_recv_errno(WAIT, e))
    }

    /// `sigtimedwait(2)`: as [`wait`](SignalMaskGuard::wait), but fails with
    /// [`Empty`](ErrorKind::Empty) instead of blocking.
    #[doc(alias = "sigtimedwait")]
    #[inline]
    pub fn try_wait(&self) -> Result<SignalInfo> {
        retry(|| self.take(Some(TimeSpec::new(0, 0)))).map_err(|e| Error::from_recv_errno(WAIT, e))
    }

    /// `sigtimedwait(2)`: as [`wait`](SignalMaskGuard::wait), but fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if no signal arrives within `timeout`.
    #[doc(alias = "sigtimedwait")]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<SignalInfo> {
        let deadline = Deadline::after(timeout);
        loop {
            match self.take(deadline.remaining().map(poll::timespec)) {
                Err(Errno::EINTR) => {}
                // The longest timeout of the kernel may be shorter than the caller's.
                Err(Errno::EAGAIN) if !deadline.has_passed() => {}
                Err(Errno::EAGAIN) => return Err(Error::from_recv_errno(WAIT, Errno::ETIMEDOUT)),
                taken => return taken.map_err(|e| Error::from_recv_errno(WAIT, e)),
            }
        }
    }

    #[inline]
    fn take(&self, timeout: Option<TimeSpec>) -> nix::Result<SignalInfo> {
        let received = signal::wait(self.signals.bits(), timeout)?;
        SignalInfo::from_received(received).ok_or(Errno::EINVAL)
    }
}

impl Drop for SignalMaskGuard {
    fn drop(&mut self) {
        // Cannot fail, since this thread had this mask before.
        let _ = signal::set_mask(self.previous);
    }
}
