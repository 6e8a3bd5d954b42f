//! Having a lock for reading or writing.

#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::RwLock;
use super::atomic::AtomicU32;
use super::condition::{INITIALISED, PANICKED, WRITING};
use super::inconsistent::Exclusive;
use crate::shm::Plain;

/// The right to read what an [`RwLock`] guards; given back when dropped. It belongs to the thread that took it.
#[must_use = "dropping it unlocks"]
pub struct ReadGuard<'a, T: Plain, const READERS: usize> {
    lock: &'a RwLock<T, READERS>,
    slot: usize,
    _thread: PhantomData<*const ()>,
}

// SAFETY: because a shared reference to a guard reaches the data for reading only, and plain data is `Sync`.
unsafe impl<T: Plain, const READERS: usize> Sync for ReadGuard<'_, T, READERS> {}

impl<'a, T: Plain, const READERS: usize> ReadGuard<'a, T, READERS> {
    /// For the thread that holds the slot.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T, READERS>, slot: usize) -> Self {
        ReadGuard { lock, slot, _thread: PhantomData }
    }
}

impl<T: Plain, const READERS: usize> Deref for ReadGuard<'_, T, READERS> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because a guard is made for a thread that holds a slot, and who writes holds all of them.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: Plain, const READERS: usize> Drop for ReadGuard<'_, T, READERS> {
    #[inline]
    fn drop(&mut self) {
        self.lock.end_read(self.slot);
    }
}

impl<T: Plain + fmt::Debug, const READERS: usize> fmt::Debug for ReadGuard<'_, T, READERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadGuard").field(&**self).finish()
    }
}

/// The right to change what an [`RwLock`] guards; given back when dropped. It belongs to the thread that took it.
#[must_use = "dropping it unlocks"]
pub struct WriteGuard<'a, T: Plain, const READERS: usize> {
    lock: &'a RwLock<T, READERS>,
    /// Whether a panic was under way when it was taken; then one that is under way later is nothing new.
    panicking: bool,
    _thread: PhantomData<*const ()>,
}

// SAFETY: because a shared reference to a guard reaches the data for reading only, and plain data is `Sync`.
unsafe impl<T: Plain, const READERS: usize> Sync for WriteGuard<'_, T, READERS> {}

impl<'a, T: Plain, const READERS: usize> WriteGuard<'a, T, READERS> {
    /// For the thread that has kept everybody else out.
    pub(super) fn new(lock: &'a RwLock<T, READERS>) -> Self {
        WriteGuard { lock, panicking: thread::panicking(), _thread: PhantomData }
    }

    /// In what condition this writer leaves the data.
    fn left(&self) -> u32 {
        match self.lock.condition.load(Relaxed) {
            WRITING if thread::panicking() && !self.panicking => PANICKED,
            WRITING => INITIALISED,
            // Not repaired, or given up.
            other => other,
        }
    }
}

impl<T: Plain, const READERS: usize> Deref for WriteGuard<'_, T, READERS> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: because a guard is made for the one thread that holds all slots.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: Plain, const READERS: usize> DerefMut for WriteGuard<'_, T, READERS> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: because a guard is made for the one thread that holds all slots.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: Plain, const READERS: usize> Exclusive for WriteGuard<'_, T, READERS> {
    const USUAL: u32 = WRITING;

    fn condition(&self) -> &AtomicU32 {
        &self.lock.condition
    }

    fn is_mine(&self) -> bool {
        self.lock.is_mine()
    }
}

impl<T: Plain, const READERS: usize> Drop for WriteGuard<'_, T, READERS> {
    fn drop(&mut self) {
        self.lock.end_write(self.left());
    }
}

impl<T: Plain + fmt::Debug, const READERS: usize> fmt::Debug for WriteGuard<'_, T, READERS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteGuard").field(&**self).finish()
    }
}
