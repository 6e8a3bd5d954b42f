//! A flag to wait for.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU32, fence, futex};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;

const WAIT: &str = "wait for event";

/// Not set, without waiters.
const UNSET: u32 = 0;
/// Set.
const SET: u32 = 1;
/// Not set, perhaps with waiters.
const AWAITED: u32 = 2;

/// A flag to wait for, in memory that processes share. Once set, it releases every waiter until it
/// is reset.
///
/// Zero bytes are an event that is not set, so new memory needs no initialization. Takes 4 bytes.
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
/// An event has no owner, so no death changes it. Setting it and waking the waiters is one system
/// call: a killed process cannot leave the event set and the waiters blocked.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Event(pub(super) AtomicU32);

impl Event {
    /// Sets the event and wakes all waiters. Makes no system call without waiters.
    ///
    /// A released waiter sees everything that was written before.
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

    /// Resets the event, so that the next wait blocks.
    pub fn reset(&self) {
        // A failure means that the event was not set.
        let _ = self.0.compare_exchange(SET, UNSET, AcqRel, Relaxed);
    }

    /// Returns whether the event is set. The answer may be stale already.
    pub fn is_set(&self) -> bool {
        self.0.load(Acquire) == SET
    }

    /// Blocks until the event is set.
    ///
    /// An event has no owner. If no other thread sets it, the wait never ends.
    ///
    /// # Errors
    ///
    /// None is known.
    pub fn wait(&self) -> Result<()> {
        self.wait_until(Deadline::NEVER)
    }

    /// Fails if the event is not set; does not block.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](ErrorKind::WouldBlock) if the event is not set.
    pub fn try_wait(&self) -> Result<()> {
        if self.is_set() { Ok(()) } else { Err(Error::new(WAIT, ErrorKind::WouldBlock)) }
    }

    /// Blocks until the event is set, for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) if the event is not set within `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        if self.is_set() { Ok(()) } else { self.wait_until(Deadline::after(timeout)) }
    }

    fn wait_until(&self, deadline: Deadline) -> Result<()> {
        while self.announce_waiter() {
            match futex::wait(&self.0, AWAITED, futex::ANY, deadline) {
                Ok(()) | Err(Errno::EAGAIN) => {}
                Err(_) if self.is_set() => return Ok(()),
                Err(errno) => return Err(Error::from_errno(WAIT, errno)),
            }
        }
        Ok(())
    }

    /// Announces that this thread is about to block. Returns false if the event is set.
    fn announce_waiter(&self) -> bool {
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
