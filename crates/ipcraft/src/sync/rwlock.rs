//! Many who read, or one who writes.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::{Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use nix::errno::Errno;

use super::atomic::AtomicU32;
use super::condition::{self, INITIALISED, OWNER_DIED, PANICKED, WRITING};
use super::failure::{failed, unusable};
use super::raw::RawMutex;
use super::slot::{self, Slot};
use super::{Inconsistent, LockError, ReadGuard, WriteGuard};
use crate::error::{Error, Result};
use crate::shm::Plain;
use crate::time::Deadline;

const READ: &str = "pthread_rwlock_rdlock";
const WRITE: &str = "pthread_rwlock_wrlock";

/// How long a reader that finds every slot taken waits for one of them before it looks for others.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A lock that many may hold for reading, or one for writing, and the data that it guards, in memory that processes
/// share.
///
/// Each reader holds one of `READERS` slots, a writer all of them. So reading takes as long as a [`Mutex`](super::Mutex)
/// does, and readers on different cores do not slow each other down; writing takes as long as locking `READERS` mutexes.
/// More readers than slots wait for one another.
///
/// A reader may be killed at any instruction: its slot is free again. If a writer is, the next writer
/// [is told](LockError::Inconsistent), and readers fail with [`OwnerDied`](crate::ErrorKind::OwnerDied) until the data is
/// repaired. A writer who waits goes before readers who come later.
///
/// Takes 64 bytes for each slot, 64 more, and the data.
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
    /// Taken by a writer before the slots and for as long, and by readers only in passing.
    pub(super) gate: RawMutex,
    /// One of `condition`; written by who holds all slots, but for the first time.
    pub(super) condition: AtomicU32,
    /// Not zero when a writer has come: readers then queue at the gate, and the first of them to have it makes this zero.
    pub(super) writer: AtomicU32,
    pub(super) slots: [Slot; READERS],
    /// Read by who holds a slot, written by who holds all.
    pub(super) data: UnsafeCell<T>,
}

// SAFETY: because the data is plain, and is written by the one thread only that has kept all readers out.
unsafe impl<T: Plain, const READERS: usize> Sync for RwLock<T, READERS> {}

impl<T: Plain, const READERS: usize> RwLock<T, READERS> {
    /// Makes new memory, which is all zero, a lock with this data. Later calls do nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the process has not used a lock before and
    /// cannot read `/proc/self/ns/pid`; a later call can succeed. [`InUse`](crate::ErrorKind::InUse) if another
    /// thread is initializing the lock, or died there.
    #[doc(alias = "pthread_rwlock_init")]
    pub fn init(&self, data: T) -> Result<()> {
        const { assert!(READERS > 0, "a lock without slots can never be read") };
        condition::initialize("pthread_rwlock_init", &self.condition, || {
            self.locks().try_for_each(RawMutex::init)?;
            // SAFETY: because one caller at a time initializes the memory, and no lock succeeds before it returns.
            unsafe { self.data.get().write(data) };
            Ok(())
        })
    }

    /// `pthread_rwlock_rdlock(3)`: waits until nobody writes.
    ///
    /// A thread that reads already may read again, unless a writer has come in between: then it waits for ever.
    ///
    /// # Errors
    ///
    /// [`OwnerDied`](crate::ErrorKind::OwnerDied) if the last writer died or panicked and nobody has
    /// [written](RwLock::write) since; [`Unrecoverable`](crate::ErrorKind::Unrecoverable) if somebody gave up on the
    /// data; [`LimitReached`](crate::ErrorKind::LimitReached) if the thread holds 2048 locks;
    /// [`Invalid`](crate::ErrorKind::Invalid) if it was not initialised.
    #[doc(alias = "pthread_rwlock_rdlock")]
    #[inline]
    pub fn read(&self) -> Result<ReadGuard<'_, T, READERS>> {
        self.read_until(Deadline::NEVER)
    }

    /// `pthread_rwlock_tryrdlock(3)`: [`read`](RwLock::read) that fails with
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) instead of waiting.
    #[doc(alias = "pthread_rwlock_tryrdlock")]
    #[inline]
    pub fn try_read(&self) -> Result<ReadGuard<'_, T, READERS>> {
        let slot = self.slot_unless_writing().and_then(|slot| match slot {
            Some(slot) => Ok(Some(slot)),
            None => self.gate.try_lock().and_then(|last| self.slot_at_gate(last)),
        });
        self.reading(slot.and_then(|slot| slot.ok_or(Errno::EBUSY)))
    }

    /// `pthread_rwlock_clockrdlock(3)`: [`read`](RwLock::read) that fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if others write for all of `timeout`.
    #[doc(alias = "pthread_rwlock_timedrdlock")]
    pub fn read_timeout(&self, timeout: Duration) -> Result<ReadGuard<'_, T, READERS>> {
        self.read_until(Deadline::after(timeout))
    }

    /// `pthread_rwlock_wrlock(3)`: waits until nobody else reads or writes.
    ///
    /// # Errors
    ///
    /// [`LockError::Inconsistent`] with the lock if the last writer died or panicked; otherwise as for
    /// [`read`](RwLock::read). It holds `READERS` + 1 of the 2048 locks that a thread may hold.
    #[doc(alias = "pthread_rwlock_wrlock")]
    pub fn write(&self) -> WriteResult<'_, T, READERS> {
        self.writing(self.close(RawMutex::lock))
    }

    /// `pthread_rwlock_trywrlock(3)`: [`write`](RwLock::write) that fails with
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) instead of waiting.
    #[doc(alias = "pthread_rwlock_trywrlock")]
    pub fn try_write(&self) -> WriteResult<'_, T, READERS> {
        self.writing(self.close(RawMutex::try_lock))
    }

    /// `pthread_rwlock_clockwrlock(3)`: [`write`](RwLock::write) that fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if others read or write for all of `timeout`.
    #[doc(alias = "pthread_rwlock_timedwrlock")]
    pub fn write_timeout(&self, timeout: Duration) -> WriteResult<'_, T, READERS> {
        let deadline = Deadline::after(timeout);
        self.writing(self.close(|lock| lock.lock_until(deadline)))
    }

    #[inline]
    fn read_until(&self, deadline: Deadline) -> Result<ReadGuard<'_, T, READERS>> {
        let slot = match self.slot_unless_writing() {
            Ok(None) => self.slot_until(deadline),
            Ok(Some(slot)) => Ok(slot),
            Err(errno) => Err(errno),
        };
        self.reading(slot)
    }

    /// A slot, if no writer has come and one is free.
    #[inline]
    fn slot_unless_writing(&self) -> nix::Result<Option<usize>> {
        if self.writer.load(Relaxed) == 0 { slot::take_any(&self.slots) } else { Ok(None) }
    }

    /// Queues behind the writer, or, if there is none, waits for another reader's slot.
    #[cold]
    fn slot_until(&self, deadline: Deadline) -> nix::Result<usize> {
        loop {
            let last = self.gate.lock_until(deadline)?;
            if let Some(slot) = self.slot_at_gate(last)? {
                return Ok(slot);
            }
            let slot = slot::usual(READERS);
            let lock = &self.slots[slot].0;
            match lock.forgiving(lock.lock_until(Deadline::after(deadline.capped(LOOK_AGAIN)))) {
                Ok(()) => return Ok(slot),
                Err(Errno::ETIMEDOUT) if !deadline.has_passed() => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Whoever has the gate knows that no writer is there: takes a slot, and gives the gate back.
    fn slot_at_gate(&self, last: super::raw::Last) -> nix::Result<Option<usize>> {
        let slot = self.gate.forgiving(Ok(last)).and_then(|()| {
            self.writer.store(0, Relaxed);
            slot::take_any(&self.slots)
        });
        self.gate.unlock();
        slot
    }

    #[inline]
    fn reading(&self, slot: nix::Result<usize>) -> Result<ReadGuard<'_, T, READERS>> {
        let slot = slot.map_err(|e| failed(READ, e))?;
        let guard = ReadGuard::new(self, slot);
        match self.condition.load(Relaxed) {
            INITIALISED => Ok(guard),
            other => Err(unreadable(other)),
        }
    }

    /// Keeps everybody else out, one lock after the other.
    fn close(&self, lock: impl Fn(&RawMutex) -> nix::Result<super::raw::Last>) -> nix::Result<()> {
        self.gate.forgiving(lock(&self.gate))?;
        self.writer.store(1, SeqCst);
        for (count, slot) in self.slots.iter().enumerate() {
            if let Err(errno) = slot.0.forgiving(lock(&slot.0)) {
                self.gate.unlock();
                self.open(count);
                return Err(errno);
            }
        }
        Ok(())
    }

    /// Lets the others in again, after so many slots were taken.
    fn open(&self, slots: usize) {
        for slot in &self.slots[..slots] {
            slot.0.unlock();
        }
    }

    /// A writer who has kept all others out sees in what condition the last one left the data.
    fn writing(&self, closed: nix::Result<()>) -> WriteResult<'_, T, READERS> {
        closed.map_err(|e| LockError::Failed(failed(WRITE, e)))?;
        match self.condition.load(Relaxed) {
            INITIALISED => {
                self.condition.store(WRITING, Relaxed);
                Ok(WriteGuard::new(self))
            }
            // A writer who lives would not have let this one in.
            WRITING | OWNER_DIED => Err(self.inconsistent(OWNER_DIED)),
            PANICKED => Err(self.inconsistent(PANICKED)),
            other => {
                self.end_write(other);
                Err(LockError::Failed(unusable(WRITE, other)))
            }
        }
    }

    #[cold]
    fn inconsistent(&self, cause: u32) -> LockError<WriteGuard<'_, T, READERS>> {
        self.condition.store(cause, Relaxed);
        LockError::Inconsistent(Inconsistent::new(WriteGuard::new(self)))
    }

    /// Gives a reader's slot back.
    #[inline]
    pub(super) fn end_read(&self, slot: usize) {
        self.slots[slot].0.unlock();
    }

    /// Gives back what a writer took, with the data in this condition.
    ///
    /// The gate comes first: a forked child, whose copy of the guard must not touch anything, learns there that it has
    /// nothing to give back. Nobody gets further than the slots meanwhile.
    pub(super) fn end_write(&self, condition: u32) {
        if self.gate.unlock() {
            self.condition.store(condition, Relaxed);
        }
        self.open(READERS);
    }

    /// Whether the writer is this thread.
    pub(super) fn is_mine(&self) -> bool {
        self.gate.is_mine()
    }

    /// All locks that it is made of.
    pub(super) fn locks(&self) -> impl Iterator<Item = &RawMutex> {
        std::iter::once(&self.gate).chain(self.slots.iter().map(|slot| &slot.0))
    }
}

/// What a call that takes the lock for writing returns.
type WriteResult<'a, T, const READERS: usize> =
    Result<WriteGuard<'a, T, READERS>, LockError<WriteGuard<'a, T, READERS>>>;

/// Why nobody can read.
#[cold]
fn unreadable(condition: u32) -> Error {
    match condition {
        WRITING | OWNER_DIED | PANICKED => Error::from_errno(READ, Errno::EOWNERDEAD)
            .with_hint("take the lock for writing and repair the data"),
        other => unusable(READ, other),
    }
}

impl<T, const READERS: usize> fmt::Debug for RwLock<T, READERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").finish_non_exhaustive()
    }
}
