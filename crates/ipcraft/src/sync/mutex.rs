//! A lock that one thread at a time holds.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::atomic::AtomicU32;
use super::errors::failed;
use super::raw::{PreviousOwner, RawMutex};
use super::state::{self, INITIALIZED, OWNER_DIED, PANICKED, unusable};
use super::{Inconsistent, LockError, MutexGuard};
use crate::error::Result;
use crate::shm::Plain;
use crate::time::Deadline;

const LOCK: &str = "pthread_mutex_lock";

/// A lock and the data that it protects, in memory that processes share.
///
/// If the owner dies, at whatever instruction, the next owner receives the lock as
/// [`LockError::Inconsistent`]. A panic while the lock is held has the same consequence.
///
/// ```
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::Mutex;
///
/// let memory = Memfd::create("balance", Shared::<Mutex<[i64; 2]>>::SIZE)?;
/// let accounts = Shared::<Mutex<[i64; 2]>>::initialize(memory.map()?, |accounts| accounts.init([100, 0]))?;
///
/// let mut guard = accounts.lock().or_else(|e| {
///     // A dead owner may have debited one account and not yet credited the other.
///     e.repair(|balance| balance[1] = 100 - balance[0])
/// })?;
/// guard[0] -= 30;
/// guard[1] += 30;
/// drop(guard);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// The size is 48 bytes on x86-64 (56 on aarch64), plus 4 bytes for the state, plus the data.
#[repr(C)]
pub struct Mutex<T> {
    pub(super) raw: RawMutex,
    /// One of the constants in `state`. After initialization only the owner of `raw` writes it.
    pub(super) state: AtomicU32,
    /// Only the owner of `raw` accesses it.
    pub(super) data: UnsafeCell<T>,
}

// SAFETY: because the data is plain, and only the one thread that owns `raw` accesses it.
unsafe impl<T: Plain> Sync for Mutex<T> {}

impl<T: Plain> Mutex<T> {
    /// `pthread_mutex_init(3)`: turns new memory, which is all zero, into a mutex with this data.
    ///
    /// Does nothing if the mutex is already initialized. Call it in the closure that initializes a
    /// [`Shared`](crate::shm::Shared) value.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if this process has not used a lock
    /// before and can neither read `/proc/self/ns/pid` nor, from Linux 6.11 on, open a pidfd. A
    /// later call can succeed. `PermissionDenied`, too, in a process that clone(2) made without the
    /// C library.
    /// [`InUse`](crate::ErrorKind::InUse) if another thread is initializing the mutex, or died
    /// while doing so.
    #[doc(alias = "pthread_mutex_init")]
    pub fn init(&self, data: T) -> Result<()> {
        state::initialize("pthread_mutex_init", &self.state, || {
            self.raw.init()?;
            // SAFETY: because one thread at a time initializes the memory, and no lock succeeds
            // before it is done.
            unsafe { self.data.get().write(data) };
            Ok(())
        })
    }

    /// `pthread_mutex_lock(3)`: blocks until this thread owns the mutex.
    ///
    /// # Errors
    ///
    /// [`LockError::Inconsistent`], with the lock held, if the last owner died or panicked;
    /// [`Deadlock`](crate::ErrorKind::Deadlock) if this thread already owns the mutex;
    /// [`Unrecoverable`](crate::ErrorKind::Unrecoverable) if an owner abandoned the data;
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if the thread holds 2048 locks;
    /// [`Invalid`](crate::ErrorKind::Invalid) if the mutex is not initialized.
    #[doc(alias = "pthread_mutex_lock")]
    #[inline]
    pub fn lock(&self) -> LockResult<'_, T> {
        self.finish_lock(LOCK, self.raw.lock())
    }

    /// `pthread_mutex_trylock(3)`: locks without blocking.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) if another thread owns the mutex; otherwise as
    /// [`lock`](Mutex::lock).
    #[doc(alias = "pthread_mutex_trylock")]
    #[inline]
    pub fn try_lock(&self) -> LockResult<'_, T> {
        self.finish_lock("pthread_mutex_trylock", self.raw.try_lock())
    }

    /// `pthread_mutex_clocklock(3)`: locks, and blocks for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if other threads own the mutex for all of
    /// `timeout`; otherwise as [`lock`](Mutex::lock).
    #[doc(alias = "pthread_mutex_clocklock")]
    #[doc(alias = "pthread_mutex_timedlock")]
    pub fn lock_timeout(&self, timeout: Duration) -> LockResult<'_, T> {
        self.lock_until(Deadline::after(timeout))
    }

    pub(super) fn lock_until(&self, deadline: Deadline) -> LockResult<'_, T> {
        self.finish_lock("pthread_mutex_clocklock", self.raw.lock_until(deadline))
    }

    #[inline]
    fn finish_lock(
        &self,
        operation: &'static str,
        acquired: nix::Result<PreviousOwner>,
    ) -> LockResult<'_, T> {
        if acquired == Ok(PreviousOwner::Unlocked) && self.state.load(Relaxed) == INITIALIZED {
            Ok(MutexGuard::new(self))
        } else {
            Err(self.lock_slow(operation, acquired))
        }
    }

    #[cold]
    fn lock_slow(
        &self,
        operation: &'static str,
        acquired: nix::Result<PreviousOwner>,
    ) -> LockError<MutexGuard<'_, T>> {
        match acquired {
            Ok(PreviousOwner::Died) => {
                // The state comes first: if this thread dies in between, both still report the
                // death.
                state::mark(&self.state, OWNER_DIED);
                self.raw.mark_consistent();
            }
            Ok(PreviousOwner::Unlocked) => {}
            Err(errno) => return LockError::Failed(failed(operation, errno)),
        }
        match self.state.load(Relaxed) {
            OWNER_DIED | PANICKED => LockError::Inconsistent(Inconsistent::new(MutexGuard::new(self))),
            other => {
                self.raw.unlock();
                LockError::Failed(unusable(operation, other))
            }
        }
    }
}

/// The result of locking a mutex.
pub(super) type LockResult<'a, T> = std::result::Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>>;

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}
