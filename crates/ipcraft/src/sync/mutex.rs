//! One at a time.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::atomic::AtomicU32;
use super::condition::{self, INITIALISED, OWNER_DIED, PANICKED};
use super::failure::{failed, unusable};
use super::raw::{Last, RawMutex};
use super::{Inconsistent, LockError, MutexGuard};
use crate::error::Result;
use crate::shm::Plain;
use crate::time::Deadline;

const LOCK: &str = "pthread_mutex_lock";

/// A lock and the data that it guards, in memory that processes share.
///
/// If the owner dies, be it killed at any instruction, the next one gets the lock *and is told*; see
/// [`LockError::Inconsistent`]. A panic while holding it has the same consequence.
///
/// ```
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::Mutex;
///
/// let memory = Memfd::create("balance", Shared::<Mutex<[i64; 2]>>::SIZE)?;
/// let accounts = Shared::<Mutex<[i64; 2]>>::initialize(memory.map()?, |accounts| accounts.init([100, 0]))?;
///
/// let mut guard = accounts.lock().or_else(|e| {
///     // A dead owner may have taken from one and not yet given to the other.
///     e.repair(|balance| balance[1] = 100 - balance[0])
/// })?;
/// guard[0] -= 30;
/// guard[1] += 30;
/// drop(guard);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// Takes 48 bytes on x86-64 (56 on aarch64), 4 more, and the data.
#[repr(C)]
pub struct Mutex<T> {
    pub(super) raw: RawMutex,
    /// One of `condition`; written by who holds `raw` only, but for the first time.
    pub(super) condition: AtomicU32,
    /// Used by who holds `raw` only.
    pub(super) data: UnsafeCell<T>,
}

// SAFETY: because the data is plain, and is only reached by the one thread that holds the lock.
unsafe impl<T: Plain> Sync for Mutex<T> {}

impl<T: Plain> Mutex<T> {
    /// `pthread_mutex_init(3)`: makes new memory, which is all zero, a mutex with this data. Later calls do nothing.
    ///
    /// Meant for the closure that initialises a [`Shared`](crate::shm::Shared) value.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the process has not used a lock before and
    /// cannot read `/proc/self/ns/pid`; a later call can succeed. [`InUse`](crate::ErrorKind::InUse) if another
    /// thread is initializing the lock, or died there.
    #[doc(alias = "pthread_mutex_init")]
    pub fn init(&self, data: T) -> Result<()> {
        condition::initialize("pthread_mutex_init", &self.condition, || {
            self.raw.init()?;
            // SAFETY: because one caller at a time initializes the memory, and no lock succeeds before it returns.
            unsafe { self.data.get().write(data) };
            Ok(())
        })
    }

    /// `pthread_mutex_lock(3)`: waits until this thread is the one.
    ///
    /// A thread that has it already waits for itself, for ever.
    ///
    /// # Errors
    ///
    /// [`LockError::Inconsistent`] with the lock if the last owner died or panicked;
    /// [`Unrecoverable`](crate::ErrorKind::Unrecoverable) if somebody gave up on the data;
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the thread holds 2048 locks;
    /// [`Invalid`](crate::ErrorKind::Invalid) if it was not initialised.
    #[doc(alias = "pthread_mutex_lock")]
    #[inline]
    pub fn lock(&self) -> LockResult<'_, T> {
        self.entered(LOCK, self.raw.lock())
    }

    /// `pthread_mutex_trylock(3)`: [`lock`](Mutex::lock) that fails with
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) instead of waiting.
    #[doc(alias = "pthread_mutex_trylock")]
    #[inline]
    pub fn try_lock(&self) -> LockResult<'_, T> {
        self.entered("pthread_mutex_trylock", self.raw.try_lock())
    }

    /// `pthread_mutex_clocklock(3)`: [`lock`](Mutex::lock) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// others have it for all of `timeout`.
    #[doc(alias = "pthread_mutex_clocklock")]
    #[doc(alias = "pthread_mutex_timedlock")]
    pub fn lock_timeout(&self, timeout: Duration) -> LockResult<'_, T> {
        self.lock_until(Deadline::after(timeout))
    }

    pub(super) fn lock_until(&self, deadline: Deadline) -> LockResult<'_, T> {
        self.entered("pthread_mutex_clocklock", self.raw.lock_until(deadline))
    }

    #[inline]
    fn entered(&self, operation: &'static str, taken: nix::Result<Last>) -> LockResult<'_, T> {
        if taken == Ok(Last::Unlocked) && self.condition.load(Relaxed) == INITIALISED {
            Ok(MutexGuard::new(self))
        } else {
            Err(self.not_as_usual(operation, taken))
        }
    }

    #[cold]
    fn not_as_usual(
        &self,
        operation: &'static str,
        taken: nix::Result<Last>,
    ) -> LockError<MutexGuard<'_, T>> {
        match taken {
            Ok(Last::Died) => {
                // First the note and then the C library's: a death in between is told by both.
                condition::note(&self.condition, OWNER_DIED);
                self.raw.mark_consistent();
            }
            Ok(Last::Unlocked) => {}
            Err(errno) => return LockError::Failed(failed(operation, errno)),
        }
        match self.condition.load(Relaxed) {
            OWNER_DIED | PANICKED => LockError::Inconsistent(Inconsistent::new(MutexGuard::new(self))),
            other => {
                self.raw.unlock();
                LockError::Failed(unusable(operation, other))
            }
        }
    }
}

/// What a call that takes the lock returns.
type LockResult<'a, T> = std::result::Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>>;

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}
