//! A number of equal things to hand out.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, SeqCst};
use std::time::Duration;

use nix::errno::Errno;

use super::LOOK_FOR_DEAD;
use super::atomic::{AtomicU32, fence, futex};
use super::condition::{self, INITIALISED};
use super::failure::{failed, not_initialised};
use super::raw::RawMutex;
use super::slot::{self, Slot};
use crate::error::Result;
use crate::time::Deadline;

const ACQUIRE: &str = "acquire permit";

/// `PERMITS` equal things that threads of many processes take and give back, in memory that processes share.
///
/// A permit belongs to the thread that took it, and comes back when that dies: the next who asks gets it. One who waits
/// already looks for the permits of the dead every 20 ms.
///
/// To count things that one process makes and another uses up, take a [`Condvar`](super::Condvar) or a
/// [`semaphore`](crate::semaphore): nobody owns such a thing, so it cannot come back.
///
/// Takes 64 bytes for each permit, and 64 more.
///
/// ```
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::Semaphore;
///
/// let memory = Memfd::create("devices", Shared::<Semaphore<2>>::SIZE)?;
/// let devices = Shared::<Semaphore<2>>::initialize(memory.map()?, Semaphore::init)?;
/// let first = devices.acquire()?;
/// let second = devices.acquire()?;
/// assert!(devices.try_acquire().is_err());
/// assert_ne!(first.number(), second.number());
/// drop(first);
/// devices.acquire()?;
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[repr(C)]
pub struct Semaphore<const PERMITS: usize> {
    pub(super) condition: AtomicU32,
    /// How many wait. Waiters that were killed count for ever, which costs later releases a system call.
    pub(super) waiters: AtomicU32,
    /// Counts what came back while somebody waited, and wraps. Who waits sleeps on it.
    pub(super) releases: AtomicU32,
    pub(super) slots: [Slot; PERMITS],
}

impl<const PERMITS: usize> Semaphore<PERMITS> {
    /// Makes new memory, which is all zero, a semaphore with all permits free. Later calls do nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the process has not used a lock before and
    /// cannot read `/proc/self/ns/pid`; a later call can succeed. [`InUse`](crate::ErrorKind::InUse) if another
    /// thread is initializing the lock, or died there.
    pub fn init(&self) -> Result<()> {
        const { assert!(PERMITS > 0, "there is nothing to acquire") };
        let make = || self.locks().try_for_each(RawMutex::init);
        condition::initialize("initialize semaphore", &self.condition, make)
    }

    /// Takes a permit, waiting until one is free.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the thread holds 2048 locks;
    /// [`Invalid`](crate::ErrorKind::Invalid) if it was not initialised.
    pub fn acquire(&self) -> Result<Permit<'_>> {
        self.acquire_until(Deadline::NEVER)
    }

    /// [`acquire`](Semaphore::acquire) that fails with [`WouldBlock`](crate::ErrorKind::WouldBlock) instead of waiting.
    pub fn try_acquire(&self) -> Result<Permit<'_>> {
        self.ready()?;
        self.take().and_then(|permit| permit.ok_or(Errno::EBUSY)).map_err(|e| failed(ACQUIRE, e))
    }

    /// [`acquire`](Semaphore::acquire) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if none becomes free
    /// within `timeout`.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>> {
        self.acquire_until(Deadline::after(timeout))
    }

    /// How many are free; those of the dead are not counted. Stale as soon as it is returned.
    pub fn available(&self) -> usize {
        self.locks().filter(|lock| lock.is_free()).count()
    }

    fn acquire_until(&self, deadline: Deadline) -> Result<Permit<'_>> {
        self.ready()?;
        let permit = match self.take() {
            Ok(None) => self.wait(deadline),
            Ok(Some(permit)) => Ok(permit),
            Err(errno) => Err(errno),
        };
        permit.map_err(|e| failed(ACQUIRE, e))
    }

    #[inline]
    fn take(&self) -> nix::Result<Option<Permit<'_>>> {
        Ok(slot::take_any(&self.slots)?.map(|number| Permit {
            lock: &self.slots[number].0,
            number,
            waiters: &self.waiters,
            releases: &self.releases,
            _thread: PhantomData,
        }))
    }

    #[cold]
    fn wait(&self, deadline: Deadline) -> nix::Result<Permit<'_>> {
        self.waiters.fetch_add(1, SeqCst);
        let permit = self.wait_announced(deadline);
        self.waiters.fetch_sub(1, SeqCst);
        permit
    }

    /// Nobody says that a holder died, nor that a releaser did before it could wake; so the wait is cut into pieces.
    fn wait_announced(&self, deadline: Deadline) -> nix::Result<Permit<'_>> {
        loop {
            let seen = self.releases.load(SeqCst);
            fence(SeqCst);
            if let Some(permit) = self.take()? {
                return Ok(permit);
            }
            if deadline.has_passed() {
                return Err(Errno::ETIMEDOUT);
            }
            let piece = Deadline::after(deadline.capped(LOOK_FOR_DEAD));
            match futex::wait(&self.releases, seen, futex::ANY, piece) {
                Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    fn ready(&self) -> Result<()> {
        if self.condition.load(Acquire) == INITIALISED { Ok(()) } else { Err(not_initialised(ACQUIRE)) }
    }

    /// All locks that it is made of.
    pub(super) fn locks(&self) -> impl Iterator<Item = &RawMutex> {
        self.slots.iter().map(|slot| &slot.0)
    }
}

impl<const PERMITS: usize> fmt::Debug for Semaphore<PERMITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").finish_non_exhaustive()
    }
}

/// One of the things that a [`Semaphore`] hands out; given back when dropped. It belongs to the thread that took it.
#[must_use = "dropping it gives it back"]
pub struct Permit<'a> {
    lock: &'a RawMutex,
    number: usize,
    waiters: &'a AtomicU32,
    releases: &'a AtomicU32,
    _thread: PhantomData<*const ()>,
}

impl Permit<'_> {
    /// Which of the things it is, from 0: nobody else has this number at the time.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let was_held = self.lock.unlock();
        fence(SeqCst);
        if was_held && self.waiters.load(SeqCst) > 0 {
            self.releases.fetch_add(1, SeqCst);
            // The word is mapped, so nothing can go wrong; and whoever waits looks again in a while.
            let _ = futex::wake(self.releases, 1, futex::ANY);
        }
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.number).finish()
    }
}
