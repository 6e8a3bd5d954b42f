//! A semaphore whose permits the kernel takes back from dead holders.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, SeqCst};
use std::time::Duration;

use nix::errno::Errno;

use super::DEAD_POLL_INTERVAL;
use super::atomic::{AtomicU32, fence, futex};
use super::errors::{failed, not_initialized};
use super::raw::RawMutex;
use super::slot::{self, Slot};
use super::state::{self, INITIALIZED};
use crate::error::Result;
use crate::time::Deadline;

const ACQUIRE: &str = "acquire permit";

/// `PERMITS` permits that threads of many processes acquire and release, in memory that processes
/// share.
///
/// A permit belongs to the thread that acquired it. When the thread dies, the permit is free, and
/// the next call acquires it. A blocked call checks for the permits of dead holders every 20 ms.
///
/// To count items that one process produces and another consumes, use a [`Condvar`](super::Condvar)
/// or a [`semaphore`](crate::semaphore). Such items have no holder whose death could return them.
///
/// The size is 64 bytes per permit, plus 64 bytes.
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
    pub(super) state: AtomicU32,
    /// The count of waiters. Killed waiters stay counted, which costs later releases a system call.
    pub(super) waiters: AtomicU32,
    /// The count of releases that had a waiter, modulo 2^32. Waiters block on this word.
    pub(super) releases: AtomicU32,
    /// One lock per permit, owned by the thread that holds the permit.
    pub(super) slots: [Slot; PERMITS],
}

impl<const PERMITS: usize> Semaphore<PERMITS> {
    /// Turns new memory, which is all zero, into a semaphore with all permits free.
    ///
    /// Does nothing if the memory is already initialized.
    ///
    /// # Errors
    ///
    /// As [`Mutex::init`](super::Mutex::init).
    pub fn init(&self) -> Result<()> {
        const { assert!(PERMITS > 0, "a semaphore needs at least one permit") };
        let make = || self.locks().try_for_each(RawMutex::init);
        state::initialize("initialize semaphore", &self.state, make)
    }

    /// Acquires a permit, and blocks until one is free.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](crate::ErrorKind::Deadlock) if this thread holds all permits;
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the thread holds 2048 locks;
    /// [`Invalid`](crate::ErrorKind::Invalid) if the semaphore is not initialized.
    pub fn acquire(&self) -> Result<Permit<'_>> {
        self.acquire_until(Deadline::NEVER)
    }

    /// Acquires a permit without blocking.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) if no permit is free; otherwise as
    /// [`acquire`](Semaphore::acquire).
    pub fn try_acquire(&self) -> Result<Permit<'_>> {
        self.check_initialized()?;
        self.try_take().and_then(|permit| permit.ok_or(Errno::EBUSY)).map_err(|e| failed(ACQUIRE, e))
    }

    /// Acquires a permit, and blocks for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if no permit becomes free within `timeout`;
    /// otherwise as [`acquire`](Semaphore::acquire).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>> {
        self.acquire_until(Deadline::after(timeout))
    }

    /// Returns how many permits are free. The number may be stale already.
    ///
    /// A dead holder's permit is counted again after the next call has acquired and released it.
    pub fn available(&self) -> usize {
        self.locks().filter(|lock| lock.is_free()).count()
    }

    fn acquire_until(&self, deadline: Deadline) -> Result<Permit<'_>> {
        self.check_initialized()?;
        let permit = match self.try_take() {
            Ok(None) => self.acquire_slow(deadline),
            Ok(Some(permit)) => Ok(permit),
            Err(errno) => Err(errno),
        };
        permit.map_err(|e| failed(ACQUIRE, e))
    }

    #[inline(always)]
    fn try_take(&self) -> nix::Result<Option<Permit<'_>>> {
        Ok(slot::try_take_any(&self.slots)?.map(|number| Permit {
            lock: &self.slots[number].0,
            number,
            waiters: &self.waiters,
            releases: &self.releases,
            _thread: PhantomData,
        }))
    }

    #[cold]
    fn acquire_slow(&self, deadline: Deadline) -> nix::Result<Permit<'_>> {
        self.waiters.fetch_add(1, SeqCst);
        let permit = self.block_until_taken(deadline);
        self.waiters.fetch_sub(1, SeqCst);
        permit
    }

    /// Blocks until a permit is free, as a counted waiter.
    ///
    /// No event reports that a holder died, or that a releasing thread died before its wake. So
    /// each wait ends after [`DEAD_POLL_INTERVAL`].
    fn block_until_taken(&self, deadline: Deadline) -> nix::Result<Permit<'_>> {
        loop {
            let seen = self.releases.load(SeqCst);
            fence(SeqCst);
            if let Some(permit) = self.try_take()? {
                return Ok(permit);
            }
            if deadline.has_passed() {
                return Err(Errno::ETIMEDOUT);
            }
            let next_check = Deadline::after(deadline.capped(DEAD_POLL_INTERVAL));
            match futex::wait(&self.releases, seen, futex::ANY, next_check) {
                Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    fn check_initialized(&self) -> Result<()> {
        if self.state.load(Acquire) == INITIALIZED { Ok(()) } else { Err(not_initialized(ACQUIRE)) }
    }

    /// Returns all mutexes that the semaphore consists of.
    pub(super) fn locks(&self) -> impl Iterator<Item = &RawMutex> {
        self.slots.iter().map(|slot| &slot.0)
    }
}

impl<const PERMITS: usize> fmt::Debug for Semaphore<PERMITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").finish_non_exhaustive()
    }
}

/// A permit of a [`Semaphore`], released when dropped. It belongs to the thread that acquired it.
#[must_use = "dropping it releases the permit"]
pub struct Permit<'a> {
    lock: &'a RawMutex,
    number: usize,
    waiters: &'a AtomicU32,
    releases: &'a AtomicU32,
    _thread: PhantomData<*const ()>,
}

impl Permit<'_> {
    /// Returns the number of the permit, from 0. No other thread holds this number meanwhile.
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
            // The word is mapped, so this cannot fail. A waiter that misses the wake polls.
            let _ = futex::wake(self.releases, 1, futex::ANY);
        }
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.number).finish()
    }
}
