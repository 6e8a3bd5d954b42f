//! The guards of a reader-writer lock.

#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::RwLock;
use super::atomic::AtomicU32;
use super::exclusive_guard::StateAccess;
use super::state::{INITIALIZED, PANICKED, WRITING};
use crate::shm::Plain;
use crate::support::process_identity::ProcessIdentity;

/// An [`RwLock`] locked for reading; unlocks when dropped. It belongs to the thread that locked.
#[must_use = "dropping it unlocks"]
pub struct ReadGuard<'a, T: Plain, const READERS: usize> {
    lock: &'a RwLock<T, READERS>,
    /// The slot that the thread of this guard owns.
    slot: usize,
    /// A lock belongs to a thread, so the guard is not `Send`.
    _thread: PhantomData<*const ()>,
}

// SAFETY: because a shared reference to a guard only reads the data, and plain data is `Sync`.
unsafe impl<T: Plain, const READERS: usize> Sync for ReadGuard<'_, T, READERS> {}

impl<'a, T: Plain, const READERS: usize> ReadGuard<'a, T, READERS> {
    /// Creates the guard, by the thread that owns the slot.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T, READERS>, slot: usize) -> Self {
        ReadGuard { lock, slot, _thread: PhantomData }
    }
}

impl<T: Plain, const READERS: usize> Deref for ReadGuard<'_, T, READERS> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because the thread of a guard owns a slot, which every writer waits for.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: Plain, const READERS: usize> Drop for ReadGuard<'_, T, READERS> {
    #[inline]
    fn drop(&mut self) {
        self.lock.unlock_read(self.slot);
    }
}

impl<T: Plain + fmt::Debug, const READERS: usize> fmt::Debug for ReadGuard<'_, T, READERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadGuard").field(&**self).finish()
    }
}

/// An [`RwLock`] locked for writing; unlocks when dropped. It belongs to the thread that locked.
#[must_use = "dropping it unlocks"]
pub struct WriteGuard<'a, T: Plain, const READERS: usize> {
    /// Its gate is owned by the thread of this guard.
    lock: &'a RwLock<T, READERS>,
    /// The process that locked. A forked child's copy of the guard changes nothing.
    owner: ProcessIdentity,
    /// Whether the thread was panicking when it locked. Such a panic does not make the data
    /// inconsistent.
    panicking: bool,
    /// A lock belongs to a thread, so the guard is not `Send`.
    _thread: PhantomData<*const ()>,
}

// SAFETY: because a shared reference to a guard only reads the data, and plain data is `Sync`.
unsafe impl<T: Plain, const READERS: usize> Sync for WriteGuard<'_, T, READERS> {}

impl<'a, T: Plain, const READERS: usize> WriteGuard<'a, T, READERS> {
    /// Creates the guard, by the thread that owns the gate and has waited for all slots.
    pub(super) fn new(lock: &'a RwLock<T, READERS>) -> Self {
        let owner = ProcessIdentity::current();
        WriteGuard { lock, owner, panicking: thread::panicking(), _thread: PhantomData }
    }

    /// Returns the state in which this writer leaves the data.
    fn final_state(&self) -> u32 {
        match self.lock.state.load(Relaxed) {
            WRITING if thread::panicking() && !self.panicking => PANICKED,
            WRITING => INITIALIZED,
            // Not repaired, or abandoned.
            other => other,
        }
    }
}

impl<T: Plain, const READERS: usize> Deref for WriteGuard<'_, T, READERS> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because the thread of a guard owns the gate, so no other thread writes the data.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: Plain, const READERS: usize> DerefMut for WriteGuard<'_, T, READERS> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: because the thread of a guard owns the gate and no reader is admitted, so no
        // other thread accesses the data.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: Plain, const READERS: usize> StateAccess for WriteGuard<'_, T, READERS> {
    const CONSISTENT: u32 = WRITING;

    fn state(&self) -> &AtomicU32 {
        &self.lock.state
    }

    fn is_owned_by_caller(&self) -> bool {
        self.lock.is_written_by_caller()
    }
}

impl<T: Plain, const READERS: usize> Drop for WriteGuard<'_, T, READERS> {
    fn drop(&mut self) {
        if self.owner.is_current() {
            self.lock.unlock_write(self.final_state());
        } else {
            self.lock.forget_write();
        }
    }
}

impl<T: Plain + fmt::Debug, const READERS: usize> fmt::Debug for WriteGuard<'_, T, READERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteGuard").field(&**self).finish()
    }
}
