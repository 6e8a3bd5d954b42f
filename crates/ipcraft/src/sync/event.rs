//! Something has happened, or not yet.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU32, fence, futex};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;

const WAIT: &str = "wait for event";

/// Not set, and nobody sleeps.
const UNSET: u32 = 0;
/// Set.
const SET: u32 = 1;
/// Not set, and somebody may sleep.
const AWAITED: u32 = 2;

/// A flag to wait for, in memory that processes share: set once, it lets everybody through until it is reset.
///
/// Zero bytes are one that is not set, so new memory needs no initialisation. Takes 4 bytes.
///
/// ```
/// use std::time::Duration;
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::Event;
///
/// let memory = Memfd::create("ready", Shared::<Event>::SIZE)?;
/// let ready = Shared::<Event>::initialize(memory.map()?, |_| Ok(()))?;
/// assert!(ready.wait_timeout(Duration::from_millis(1)).is_err());
/// ready.set()?; // usually in another process
/// ready.wait()?;
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// Nobody owns an event, so nobody's death changes it. Setting it and waking those who sleep is one system call, so there
/// is no moment at which a killed setter could leave it set and the others asleep.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Event(pub(super) AtomicU32);

impl Event {
    /// Sets it and wakes everybody who waits; without a system call if nobody does. What was written before is seen by
    /// those who are let through.
    ///
    /// # Errors
    ///
    /// None is known.
    pub fn set(&self) -> Result<()> {
        let mut found = self.0.load(Relaxed);
        while matches!(found, UNSET | SET) {
            match self.0.compare_exchange_weak(found, SET, AcqRel, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => found = other,
            }
        }
        fence(Release);
        futex::set_and_wake_all(&self.0, SET).map_err(|e| Error::from_errno("futex(FUTEX_WAKE_OP)", e))
    }

    /// Takes it back: the next to wait waits.
    pub fn reset(&self) {
        // A failure means that it was not set.
        let _ = self.0.compare_exchange(SET, UNSET, AcqRel, Relaxed);
    }

    /// Whether it is set. Stale as soon as it is returned.
    pub fn is_set(&self) -> bool {
        self.0.load(Acquire) == SET
    }

    /// Waits until it is set.
    ///
    /// # Errors
    ///
    /// None is known.
    pub fn wait(&self) -> Result<()> {
        self.wait_until(Deadline::NEVER)
    }

    /// [`wait`](Event::wait) that fails with [`WouldBlock`](ErrorKind::WouldBlock) instead of waiting.
    pub fn try_wait(&self) -> Result<()> {
        if self.is_set() { Ok(()) } else { Err(Error::new(WAIT, ErrorKind::WouldBlock)) }
    }

    /// [`wait`](Event::wait) that fails with [`TimedOut`](ErrorKind::TimedOut) if nobody sets it within `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        if self.is_set() { Ok(()) } else { self.wait_until(Deadline::after(timeout)) }
    }

    fn wait_until(&self, deadline: Deadline) -> Result<()> {
        while self.announce() {
            match futex::wait(&self.0, AWAITED, futex::ANY, deadline) {
                Ok(()) | Err(Errno::EAGAIN) => {}
                Err(_) if self.is_set() => return Ok(()),
                Err(errno) => return Err(Error::from_errno(WAIT, errno)),
            }
        }
        Ok(())
    }

    /// Notes that somebody is about to sleep; false if it is set.
    fn announce(&self) -> bool {
        let mut found = self.0.load(Acquire);
        while found != SET && found != AWAITED {
            match self.0.compare_exchange_weak(found, AWAITED, Acquire, Acquire) {
                Ok(_) => return true,
                Err(other) => found = other,
            }
        }
        found != SET
    }
}
