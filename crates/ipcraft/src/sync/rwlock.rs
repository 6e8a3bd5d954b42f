//! A lock that many readers or one writer hold.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU32, fence, fence_after_lock};
use super::errors::failed;
use super::raw::{PreviousOwner, RawMutex};
use super::slot::{self, Slot};
use super::state::{self, INITIALIZED, OWNER_DIED, PANICKED, WRITING, unusable};
use super::{Inconsistent, LockError, ReadGuard, WriteGuard};
use crate::error::{Error, Result};
use crate::shm::Plain;
use crate::time::Deadline;

const READ: &str = "pthread_rwlock_rdlock";
const WRITE: &str = "pthread_rwlock_wrlock";

/// How long a reader waits for its preferred slot before it tries the other slots again.
///
/// Bounds the delay of a reader when all slots are taken and another slot than its own is released.
const SLOT_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// A lock that many readers or one writer hold, and the data that it protects, in memory that
/// processes share.
///
/// Each reader holds one of `READERS` slots. So reading costs as much as a
/// [`Mutex`](super::Mutex), and readers on different cores do not slow each other down. A writer
/// announces itself, reads every slot, and waits until each is free. Readers beyond `READERS` wait
/// for a free slot.
///
/// A reader may be killed at any instruction: its slot is free again. If a writer is killed, the
/// next writer receives [`LockError::Inconsistent`], and readers fail with
/// [`OwnerDied`](crate::ErrorKind::OwnerDied) until the data is repaired. A waiting writer precedes
/// later readers.
///
/// The size is 64 bytes per slot, plus 64 bytes, plus the data.
///
/// ```
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::RwLock;
///
/// type Table = RwLock<[u64; 4]>;
/// let memory = Memfd::create("table", Shared::<Table>::SIZE)?;
/// let table = Shared::<Table>::initialize(memory.map()?, |table| table.init([1, 2, 3, 4]))?;
/// assert_eq!(table.read()?[3], 4);
/// table.write().or_else(|e| e.repair(|data| *data = [0; 4]))?[3] = 5;
/// assert_eq!(table.read()?[3], 5);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[repr(C)]
pub struct RwLock<T, const READERS: usize = 32> {
    /// A writer holds it. Readers hold it only to take a slot after a writer.
    pub(super) gate: RawMutex,
    /// One of the constants in `state`. After initialization only the writer writes it.
    pub(super) state: AtomicU32,
    /// Not zero if a writer has arrived. Readers then queue at the gate, and the first one there
    /// resets it to zero. A writer stores it before it reads the slots. A reader takes its slot
    /// before it loads it. So one of the two sees the other.
    pub(super) writer: AtomicU32,
    pub(super) slots: [Slot; READERS],
    /// A thread with an admitted slot reads it; the writer writes it.
    pub(super) data: UnsafeCell<T>,
}

// SAFETY: because the data is plain, and a thread writes it only while it holds the gate and no
// reader is admitted.
unsafe impl<T: Plain, const READERS: usize> Sync for RwLock<T, READERS> {}

impl<T: Plain, const READERS: usize> RwLock<T, READERS> {
    /// Turns new memory, which is all zero, into a lock with this data.
    ///
    /// Does nothing if the memory is already initialized.
    ///
    /// # Errors
    ///
    /// As [`Mutex::init`](super::Mutex::init).
    #[doc(alias = "pthread_rwlock_init")]
    pub fn init(&self, data: T) -> Result<()> {
        const { assert!(READERS > 0, "a reader-writer lock needs at least one slot") };
        state::initialize("pthread_rwlock_init", &self.state, || {
            self.locks().try_for_each(RawMutex::init)?;
            // SAFETY: because one thread at a time initializes the memory, and no lock succeeds
            // before it is done.
            unsafe { self.data.get().write(data) };
            Ok(())
        })
    }

    /// `pthread_rwlock_rdlock(3)`: blocks until no writer holds the lock and a slot is free.
    ///
    /// A thread that already reads may read again, unless a writer waits. That writer waits for
    /// this thread, and this thread would wait for the writer.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](crate::ErrorKind::Deadlock) if this thread writes, if it reads and a writer
    /// waits, or if it holds every slot;
    /// [`OwnerDied`](crate::ErrorKind::OwnerDied) if the last writer died or panicked and no later
    /// [writer](RwLock::write) has repaired the data;
    /// [`Unrecoverable`](crate::ErrorKind::Unrecoverable) if a writer abandoned the data;
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the thread holds 2048 locks;
    /// [`Invalid`](crate::ErrorKind::Invalid) if the lock is not initialized.
    #[doc(alias = "pthread_rwlock_rdlock")]
    #[inline]
    pub fn read(&self) -> Result<ReadGuard<'_, T, READERS>> {
        self.read_until(Deadline::NEVER)
    }

    /// `pthread_rwlock_tryrdlock(3)`: locks for reading without blocking.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) if another thread writes or waits to write, also
    /// if this thread reads, or if no slot is free; otherwise as [`read`](RwLock::read).
    #[doc(alias = "pthread_rwlock_tryrdlock")]
    #[inline]
    pub fn try_read(&self) -> Result<ReadGuard<'_, T, READERS>> {
        let slot = self.try_slot_without_writer().and_then(|slot| match slot {
            Some(slot) => Ok(Some(slot)),
            None => self.gate.try_lock().and_then(|previous| self.try_slot_through_gate(previous)),
        });
        self.finish_read(slot.and_then(|slot| slot.ok_or(Errno::EBUSY)))
    }

    /// `pthread_rwlock_clockrdlock(3)`: locks for reading, and blocks for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the lock is not available within `timeout`;
    /// otherwise as [`read`](RwLock::read).
    #[doc(alias = "pthread_rwlock_timedrdlock")]
    pub fn read_timeout(&self, timeout: Duration) -> Result<ReadGuard<'_, T, READERS>> {
        self.read_until(Deadline::after(timeout))
    }

    /// `pthread_rwlock_wrlock(3)`: blocks until no other thread reads or writes.
    ///
    /// # Errors
    ///
    /// [`Deadlock`](crate::ErrorKind::Deadlock) if this thread reads or writes: drop that guard
    /// first, since a read lock is never upgraded;
    /// [`LockError::Inconsistent`], with the lock held, if the last writer died or panicked;
    /// otherwise as [`read`](RwLock::read).
    #[doc(alias = "pthread_rwlock_wrlock")]
    pub fn write(&self) -> WriteResult<'_, T, READERS> {
        self.finish_write(self.exclude_all(Some(Deadline::NEVER)))
    }

    /// `pthread_rwlock_trywrlock(3)`: locks for writing without blocking.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) if another thread holds the lock; otherwise as
    /// [`write`](RwLock::write).
    #[doc(alias = "pthread_rwlock_trywrlock")]
    pub fn try_write(&self) -> WriteResult<'_, T, READERS> {
        self.finish_write(self.exclude_all(None))
    }

    /// `pthread_rwlock_clockwrlock(3)`: locks for writing, and blocks for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the lock is not available within `timeout`;
    /// otherwise as [`write`](RwLock::write).
    #[doc(alias = "pthread_rwlock_timedwrlock")]
    pub fn write_timeout(&self, timeout: Duration) -> WriteResult<'_, T, READERS> {
        self.finish_write(self.exclude_all(Some(Deadline::after(timeout))))
    }

    #[inline]
    fn read_until(&self, deadline: Deadline) -> Result<ReadGuard<'_, T, READERS>> {
        let slot = match self.try_slot_without_writer() {
            Ok(None) => self.take_slot_slow(deadline),
            Ok(Some(slot)) => Ok(slot),
            Err(errno) => Err(errno),
        };
        self.finish_read(slot)
    }

    /// Takes a free slot, unless a writer has arrived.
    #[inline]
    fn try_slot_without_writer(&self) -> nix::Result<Option<usize>> {
        if self.writer.load(Relaxed) != 0 {
            return Ok(None);
        }
        let slot = slot::try_take_any(&self.slots)?;
        Ok(slot.filter(|slot| self.is_admitted(*slot)))
    }

    /// Returns whether the reader that has just taken this slot may read. Otherwise a writer has
    /// arrived, and the slot is free again.
    #[inline]
    fn is_admitted(&self, slot: usize) -> bool {
        fence_after_lock();
        let admitted = self.writer.load(Acquire) == 0;
        if !admitted {
            self.slots[slot].0.unlock();
        }
        admitted
    }

    /// Queues behind the writer. Without a writer, waits for the slot of another reader.
    #[cold]
    fn take_slot_slow(&self, deadline: Deadline) -> nix::Result<usize> {
        let reads = RawMutex::is_any_owned_by_caller(self.slots());
        loop {
            let previous =
                if reads { self.lock_gate_as_reader(deadline) } else { self.gate.lock_until(deadline) };
            if let Some(slot) = self.try_slot_through_gate(previous?)? {
                return Ok(slot);
            }
            let slot = slot::awaited(&self.slots);
            let lock = &self.slots[slot].0;
            let next_try = Deadline::after(deadline.capped(SLOT_RETRY_INTERVAL));
            match lock.ignore_owner_death(lock.lock_until(next_try)) {
                Ok(()) if self.is_admitted(slot) => return Ok(slot),
                Ok(()) => {}
                Err(Errno::ETIMEDOUT) if !deadline.has_passed() => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Locks the gate by a thread that reads already. Fails with `EDEADLK` if a writer keeps it.
    ///
    /// Readers hold the gate for a few instructions only, and reset `writer` first. A writer that
    /// waits keeps both.
    fn lock_gate_as_reader(&self, deadline: Deadline) -> nix::Result<PreviousOwner> {
        loop {
            match self.gate.lock_until(Deadline::after(deadline.capped(SLOT_RETRY_INTERVAL))) {
                Err(Errno::ETIMEDOUT) if self.writer.load(Relaxed) != 0 => return Err(Errno::EDEADLK),
                Err(Errno::ETIMEDOUT) if !deadline.has_passed() => {}
                outcome => return outcome,
            }
        }
    }

    /// Takes a free slot and unlocks the gate. The caller owns the gate, so no writer is active.
    fn try_slot_through_gate(&self, previous: PreviousOwner) -> nix::Result<Option<usize>> {
        let slot = self.gate.ignore_owner_death(Ok(previous)).and_then(|()| {
            // A later reader that loads the zero sees what the writer wrote.
            self.writer.store(0, Release);
            slot::try_take_any(&self.slots)
        });
        self.gate.unlock();
        slot
    }

    #[inline]
    fn finish_read(&self, slot: nix::Result<usize>) -> Result<ReadGuard<'_, T, READERS>> {
        let slot = slot.map_err(|e| failed(READ, e))?;
        let guard = ReadGuard::new(self, slot);
        match self.state.load(Relaxed) {
            INITIALIZED => Ok(guard),
            other => Err(unreadable(other)),
        }
    }

    /// Locks the gate and waits until every slot is free, which keeps all other threads out. Does
    /// not wait without a deadline.
    fn exclude_all(&self, deadline: Option<Deadline>) -> nix::Result<()> {
        self.gate.ignore_owner_death(match deadline {
            Some(deadline) => self.gate.lock_until(deadline),
            None => self.gate.try_lock(),
        })?;
        self.writer.store(1, Relaxed);
        fence(SeqCst);
        for slot in RawMutex::taken(self.slots()) {
            if let Err(errno) = self.wait_for_reader(slot, deadline) {
                self.gate.unlock();
                return Err(errno);
            }
        }
        Ok(())
    }

    /// Waits until a slot is free, whose owner may be dead. Fails if this thread reads.
    #[cold]
    fn wait_for_reader(&self, slot: &RawMutex, deadline: Option<Deadline>) -> nix::Result<()> {
        if RawMutex::is_any_owned_by_caller(self.slots()) {
            return Err(Errno::EDEADLK);
        }
        slot.ignore_owner_death(match deadline {
            Some(deadline) => slot.lock_until(deadline),
            None => slot.try_lock(),
        })?;
        slot.unlock();
        Ok(())
    }

    /// Checks in which state the last writer left the data, once all other threads are kept out.
    fn finish_write(&self, locked: nix::Result<()>) -> WriteResult<'_, T, READERS> {
        locked.map_err(|e| LockError::Failed(failed(WRITE, e)))?;
        match self.state.load(Relaxed) {
            INITIALIZED => {
                self.state.store(WRITING, Relaxed);
                Ok(WriteGuard::new(self))
            }
            // A live writer would still hold the gate.
            WRITING | OWNER_DIED => Err(self.inconsistent(OWNER_DIED)),
            PANICKED => Err(self.inconsistent(PANICKED)),
            other => {
                self.unlock_write(other);
                Err(LockError::Failed(unusable(WRITE, other)))
            }
        }
    }

    #[cold]
    fn inconsistent(&self, cause: u32) -> LockError<WriteGuard<'_, T, READERS>> {
        self.state.store(cause, Relaxed);
        LockError::Inconsistent(Inconsistent::new(WriteGuard::new(self)))
    }

    /// Unlocks the slot of a reader.
    #[inline]
    pub(super) fn unlock_read(&self, slot: usize) {
        self.slots[slot].0.unlock();
    }

    /// Leaves the data in `state` and unlocks, by the process that holds the lock.
    pub(super) fn unlock_write(&self, state: u32) {
        self.state.store(state, Relaxed);
        self.gate.unlock();
    }

    /// Drops what a forked child copied of a writer's guard.
    #[cold]
    pub(super) fn forget_write(&self) {
        // Fails, because the parent owns the gate, and only corrects the child's count of locks.
        self.gate.unlock();
    }

    /// Returns whether this thread is the writer.
    pub(super) fn is_written_by_caller(&self) -> bool {
        self.gate.is_owned_by_caller()
    }

    /// Returns all mutexes that the lock consists of.
    pub(super) fn locks(&self) -> impl Iterator<Item = &RawMutex> {
        std::iter::once(&self.gate).chain(self.slots())
    }

    fn slots(&self) -> impl Iterator<Item = &RawMutex> {
        self.slots.iter().map(|slot| &slot.0)
    }
}

/// The result of locking for writing.
type WriteResult<'a, T, const READERS: usize> =
    std::result::Result<WriteGuard<'a, T, READERS>, LockError<WriteGuard<'a, T, READERS>>>;

/// Returns the error for data in a state that no reader can use.
#[cold]
fn unreadable(state: u32) -> Error {
    match state {
        WRITING | OWNER_DIED | PANICKED => {
            Error::from_errno(READ, Errno::EOWNERDEAD).with_hint("lock for writing and repair the data")
        }
        other => unusable(READ, other),
    }
}

impl<T, const READERS: usize> fmt::Debug for RwLock<T, READERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}
