//! The layouts of the lock types, and the promise that they may live in shared memory.

#![allow(unsafe_code)]

use super::raw::RawMutex;
use super::{Barrier, Condvar, Event, Mutex, Once, RwLock, Semaphore};
use crate::shm::{Plain, ProcessShared, SharedLayout};

// SAFETY: because zero bytes are a mutex that cannot be locked, the lock is process-shared, and the
// data is plain. Programs that trust each other write no other bytes than their own, which the
// module's page demands.
unsafe impl<T: Plain> ProcessShared for Mutex<T> {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft mutex 1", &[T::LAYOUT]);

    fn is_held(&self) -> bool {
        self.raw.is_owned_by_process()
    }
}

// SAFETY: because it consists of process-shared mutexes and atomics, and the data is plain.
unsafe impl<T: Plain, const READERS: usize> ProcessShared for RwLock<T, READERS> {
    const LAYOUT: SharedLayout =
        SharedLayout::array(&SharedLayout::new("ipcraft rwlock 1", &[T::LAYOUT]), READERS);

    fn is_held(&self) -> bool {
        self.locks().any(RawMutex::is_owned_by_process)
    }
}

// SAFETY: because it consists of two atomics.
unsafe impl ProcessShared for Condvar {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft condvar 1", &[]);
}

// SAFETY: because it consists of one atomic.
unsafe impl ProcessShared for Event {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft event 1", &[]);
}

// SAFETY: because it consists of a process-shared mutex and an atomic.
unsafe impl ProcessShared for Once {
    const LAYOUT: SharedLayout = SharedLayout::new("ipcraft once 1", &[]);

    fn is_held(&self) -> bool {
        self.raw.is_owned_by_process()
    }
}

// SAFETY: because it consists of process-shared mutexes and atomics.
unsafe impl<const PERMITS: usize> ProcessShared for Semaphore<PERMITS> {
    const LAYOUT: SharedLayout = SharedLayout::array(&SharedLayout::new("ipcraft semaphore 1", &[]), PERMITS);

    fn is_held(&self) -> bool {
        self.locks().any(RawMutex::is_owned_by_process)
    }
}

// SAFETY: because it consists of process-shared mutexes and atomics.
unsafe impl<const PARTIES: usize> ProcessShared for Barrier<PARTIES> {
    const LAYOUT: SharedLayout = SharedLayout::array(&SharedLayout::new("ipcraft barrier 1", &[]), PARTIES);

    fn is_held(&self) -> bool {
        self.locks().any(RawMutex::is_owned_by_process)
    }
}
