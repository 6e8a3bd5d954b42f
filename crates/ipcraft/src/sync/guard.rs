//! Having a mutex.

#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use std::thread;

use super::Mutex;
use super::atomic::AtomicU32;
use super::condition::{self, INITIALISED, PANICKED};
use super::inconsistent::Exclusive;
use crate::shm::Plain;

/// The lock of a [`Mutex`], and its data; unlocks when dropped.
///
/// It belongs to the thread that took it. A forked child has a copy that does nothing: the lock stays the parent's. If
/// it is leaked the lock stays taken until the thread ends, and the memory stays mapped.
#[must_use = "dropping it unlocks"]
pub struct MutexGuard<'a, T: Plain> {
    mutex: &'a Mutex<T>,
    /// Whether a panic was under way when it was taken; then one that is under way later is nothing new.
    panicking: bool,
    /// A lock belongs to a thread: the guard is not `Send`.
    _thread: PhantomData<*const ()>,
}

// SAFETY: because a shared reference to a guard reaches the data for reading only, and plain data is `Sync`.
unsafe impl<T: Plain> Sync for MutexGuard<'_, T> {}

impl<'a, T: Plain> MutexGuard<'a, T> {
    /// For the thread that holds the raw lock.
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<T>) -> Self {
        MutexGuard { mutex, panicking: thread::panicking(), _thread: PhantomData }
    }

    /// The mutex that it is of.
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: Plain> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because a guard is made for the thread that holds the lock, so nobody writes the data meanwhile.
        unsafe { &*self.mutex.data.get() }
    }
}

impl<T: Plain> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: because a guard is made for the thread that holds the lock, so nobody else uses the data meanwhile.
        unsafe { &mut *self.mutex.data.get() }
    }
}

impl<T: Plain> Exclusive for MutexGuard<'_, T> {
    const USUAL: u32 = INITIALISED;

    fn condition(&self) -> &AtomicU32 {
        &self.mutex.condition
    }

    fn is_mine(&self) -> bool {
        self.mutex.raw.is_mine()
    }
}

impl<T: Plain> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.panicking && thread::panicking() && self.is_mine() {
            condition::note(&self.mutex.condition, PANICKED);
        }
        self.mutex.raw.unlock();
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutexGuard").field(&**self).finish()
    }
}
