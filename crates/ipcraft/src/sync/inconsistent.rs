//! Having a lock whose last owner left the data in the middle of something.

#![allow(unsafe_code)]

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::Cause;
use super::atomic::AtomicU32;
use super::condition::{ABANDONED, PANICKED};

/// A guard whose owner alone uses the data.
pub trait Exclusive: DerefMut {
    /// What the condition is while the guard is held and all is well.
    #[doc(hidden)]
    const USUAL: u32;

    /// The condition of the data, for its owner to write.
    #[doc(hidden)]
    fn condition(&self) -> &AtomicU32;

    /// Whether the lock is this thread's, and not that of the parent this process was forked from.
    #[doc(hidden)]
    fn is_mine(&self) -> bool;
}

/// The lock after its last owner died or panicked, with data that may be half changed.
///
/// Look at it, repair it, and say so: [`mark_consistent`](Inconsistent::mark_consistent). Whoever cannot
/// [gives up](Inconsistent::abandon); so does whoever drops it. The lock is then unusable for everybody, since nobody
/// knows what its data is worth. If this owner dies too, the next one is told in its place.
#[must_use = "dropping it gives up on the data for everybody"]
pub struct Inconsistent<G: Exclusive> {
    /// Taken out in `mark_consistent`, which forgets the rest, or dropped with it.
    guard: ManuallyDrop<G>,
}

impl<G: Exclusive> Inconsistent<G> {
    pub(super) fn new(guard: G) -> Self {
        Inconsistent { guard: ManuallyDrop::new(guard) }
    }

    /// What happened to the last owner.
    pub fn cause(&self) -> Cause {
        match self.guard.condition().load(Relaxed) {
            PANICKED => Cause::Panicked,
            _ => Cause::OwnerDied,
        }
    }

    /// `pthread_mutex_consistent(3)`: declares that the data is in order.
    #[doc(alias = "pthread_mutex_consistent")]
    pub fn mark_consistent(self) -> G {
        self.guard.condition().store(G::USUAL, Relaxed);
        let mut this = ManuallyDrop::new(self);
        // SAFETY: because `this` is neither used nor dropped afterwards.
        unsafe { ManuallyDrop::take(&mut this.guard) }
    }

    /// Makes the lock unusable: everybody's calls fail with [`Unrecoverable`](crate::ErrorKind::Unrecoverable) from now
    /// on, also those that wait.
    pub fn abandon(self) {}
}

impl<G: Exclusive> Deref for Inconsistent<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: Exclusive> DerefMut for Inconsistent<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

impl<G: Exclusive> Drop for Inconsistent<G> {
    fn drop(&mut self) {
        // A panic during the repair decides nothing: the next owner is told as this one was. Nor does a forked child,
        // which has a copy of the guard and not the lock.
        if !thread::panicking() && self.guard.is_mine() {
            self.guard.condition().store(ABANDONED, Relaxed);
        }
        // SAFETY: because `self` is being dropped and `mark_consistent` has not taken the guard: it forgets `self`.
        unsafe { ManuallyDrop::drop(&mut self.guard) };
    }
}

impl<G: Exclusive> fmt::Debug for Inconsistent<G>
where
    G::Target: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inconsistent").field("cause", &self.cause()).field("data", &&**self).finish()
    }
}
