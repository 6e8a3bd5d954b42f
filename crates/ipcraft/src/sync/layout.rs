//! Which of the types may live in shared memory, and what they look like there.

#![allow(unsafe_code)]

use super::raw::RawMutex;
use super::{Barrier, Condvar, Event, Mutex, Once, RwLock, Semaphore};
use crate::shm::{Plain, ProcessShared, SharedLayout};

// SAFETY: because zero bytes are a mutex that refuses to be locked, the lock is one that processes share, and the data is
// plain; other bytes than their own are not written by programs that trust each other, which the module's page demands.
unsafe impl<T: Plain> ProcessShared for Mutex<T> {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft mutex 1", &[T::LAYOUT]);

    fn is_held(&self) -> bool {
        self.raw.is_held_here()
    }
}

// SAFETY: because it is made of such locks and of atomics, and the data is plain.
unsafe impl<T: Plain, const READERS: usize> ProcessShared for RwLock<T, READERS> {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft rwlock 1", &[T::LAYOUT]).repeated(READERS);

    fn is_held(&self) -> bool {
        self.locks().any(RawMutex::is_held_here)
    }
}

// SAFETY: because it is made of two atomics.
unsafe impl ProcessShared for Condvar {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft condvar 1", &[]);
}

// SAFETY: because it is one atomic.
unsafe impl ProcessShared for Event {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft event 1", &[]);
}

// SAFETY: because it is made of such a lock and an atomic.
unsafe impl ProcessShared for Once {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft once 1", &[]);

    fn is_held(&self) -> bool {
        self.raw.is_held_here()
    }
}

// SAFETY: because it is made of such locks and of atomics.
unsafe impl<const PERMITS: usize> ProcessShared for Semaphore<PERMITS> {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft semaphore 1", &[]).repeated(PERMITS);

    fn is_held(&self) -> bool {
        self.locks().any(RawMutex::is_held_here)
    }
}

// SAFETY: because it is made of such locks and of atomics.
unsafe impl<const PARTIES: usize> ProcessShared for Barrier<PARTIES> {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft barrier 1", &[]).repeated(PARTIES);

    fn is_held(&self) -> bool {
        self.locks().any(RawMutex::is_held_here)
    }
}
