//! The guard of a locked mutex.

#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::thread;

use super::Mutex;
use super::atomic::AtomicU32;
use super::exclusive_guard::StateAccess;
use super::state::{self, INITIALIZED, PANICKED};
use crate::shm::Plain;

/// A locked [`Mutex`]: gives access to the data and unlocks when dropped.
///
/// It belongs to the thread that locked. A copy in a forked child does nothing: the parent keeps
/// the lock. If the guard is leaked, the lock stays taken until the thread ends, and the memory
/// stays mapped.
#[must_use = "dropping it unlocks"]
pub struct MutexGuard<'a, T: Plain> {
    /// Its lock is owned by the thread of this guard, or, in a forked child, by a thread of the
    /// parent.
    mutex: &'a Mutex<T>,
    /// Whether the thread was panicking when it locked. Such a panic does not make the data
    /// inconsistent.
    panicking: bool,
    /// A lock belongs to a thread, so the guard is not `Send`.
    _thread: PhantomData<*const ()>,
}

// SAFETY: because a shared reference to a guard only reads the data, and plain data is `Sync`.
unsafe impl<T: Plain> Sync for MutexGuard<'_, T> {}

impl<'a, T: Plain> MutexGuard<'a, T> {
    /// Creates the guard, by the thread that owns the raw lock.
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<T>) -> Self {
        MutexGuard { mutex, panicking: thread::panicking(), _thread: PhantomData }
    }

    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: Plain> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because the thread of a guard owns the lock, so no other thread writes the data.
        unsafe { &*self.mutex.data.get() }
    }
}

impl<T: Plain> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: because the thread of a guard owns the lock, so no other thread accesses the
        // data.
        unsafe { &mut *self.mutex.data.get() }
    }
}

impl<T: Plain> StateAccess for MutexGuard<'_, T> {
    const CONSISTENT: u32 = INITIALIZED;

    fn state(&self) -> &AtomicU32 {
        &self.mutex.state
    }

    fn is_owned_by_caller(&self) -> bool {
        self.mutex.raw.is_owned_by_caller()
    }
}

impl<T: Plain> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.panicking && thread::panicking() && self.is_owned_by_caller() {
            state::mark(&self.mutex.state, PANICKED);
        }
        self.mutex.raw.unlock();
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutexGuard").field(&**self).finish()
    }
}
