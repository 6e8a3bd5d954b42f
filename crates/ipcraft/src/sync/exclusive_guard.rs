//! The guards that give exclusive access to the data of a lock.

use std::ops::DerefMut;

use super::atomic::AtomicU32;

/// A guard that gives exclusive access to the data of a lock: [`MutexGuard`](super::MutexGuard) and
/// [`WriteGuard`](super::WriteGuard).
///
/// The trait is sealed. It exists so that functions can be generic over the guard of a
/// [`LockError`](super::LockError).
pub trait ExclusiveGuard: DerefMut + StateAccess {}

impl<G: DerefMut + StateAccess> ExclusiveGuard for G {}

/// Access to the state word of the lock that a guard holds.
pub trait StateAccess {
    /// The state of consistent data while the guard is held.
    #[doc(hidden)]
    const CONSISTENT: u32;

    /// Returns the state word, which only the holder of the lock writes.
    #[doc(hidden)]
    fn state(&self) -> &AtomicU32;

    /// Returns whether this thread holds the lock. False for a guard that a fork copied.
    #[doc(hidden)]
    fn is_owned_by_caller(&self) -> bool;
}
