//! A held lock whose last owner may have left the data half changed.

#![allow(unsafe_code)]

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::Cause;
use super::exclusive_guard::ExclusiveGuard;
use super::state::{ABANDONED, PANICKED};

/// A held lock whose last owner died or panicked, so that its data may be half changed.
///
/// Inspect the data, repair it, and call [`mark_consistent`](Inconsistent::mark_consistent). If the
/// data cannot be repaired, [`abandon`](Inconsistent::abandon) the lock; dropping this value does
/// the same. An abandoned lock is unusable for every process. If this owner dies too, the next
/// owner receives the inconsistent data.
#[must_use = "dropping it abandons the lock for every process"]
pub struct Inconsistent<G: ExclusiveGuard> {
    /// Moved out by `mark_consistent`, which forgets the rest; otherwise dropped with this value.
    guard: ManuallyDrop<G>,
}

impl<G: ExclusiveGuard> Inconsistent<G> {
    pub(super) fn new(guard: G) -> Self {
        Inconsistent { guard: ManuallyDrop::new(guard) }
    }

    /// Returns what happened to the last owner.
    pub fn cause(&self) -> Cause {
        match self.guard.state().load(Relaxed) {
            PANICKED => Cause::Panicked,
            _ => Cause::OwnerDied,
        }
    }

    /// `pthread_mutex_consistent(3)`: declares the data consistent and returns the guard.
    #[doc(alias = "pthread_mutex_consistent")]
    pub fn mark_consistent(self) -> G {
        self.guard.state().store(G::CONSISTENT, Relaxed);
        let mut this = ManuallyDrop::new(self);
        // SAFETY: because `this` is neither used nor dropped afterwards.
        unsafe { ManuallyDrop::take(&mut this.guard) }
    }

    /// Makes the lock unusable. From now on every call fails with
    /// [`Unrecoverable`](crate::ErrorKind::Unrecoverable), including calls that are blocked.
    pub fn abandon(self) {}
}

impl<G: ExclusiveGuard> Deref for Inconsistent<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: ExclusiveGuard> DerefMut for Inconsistent<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

impl<G: ExclusiveGuard> Drop for Inconsistent<G> {
    fn drop(&mut self) {
        // A panic during the repair does not abandon the lock: the next owner receives the data.
        // Nor does a forked child, which copied the guard but owns no lock.
        if !thread::panicking() && self.guard.is_owned_by_caller() {
            self.guard.state().store(ABANDONED, Relaxed);
        }
        // SAFETY: because `self` is being dropped and still has the guard: `mark_consistent`
        // forgets `self`.
        unsafe { ManuallyDrop::drop(&mut self.guard) };
    }
}

impl<G: ExclusiveGuard> fmt::Debug for Inconsistent<G>
where
    G::Target: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inconsistent").field("cause", &self.cause()).field("data", &&**self).finish()
    }
}
