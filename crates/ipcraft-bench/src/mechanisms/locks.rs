//! Locks that recover from the death of their owner.

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft::sync::{Mutex, RwLock, Semaphore};

use crate::baseline::locks as baseline;
use crate::link::{Endpoints, Operation};
use crate::mechanism::{Implementation, Mechanism};

/// A mutex.
pub(crate) static MUTEX: Mechanism = Mechanism {
    id: "sync_mutex",
    summary: "lock and unlock a mutex; baseline: robust pthread mutex",
    implementations: &[
        (Implementation::Ipcraft, mutex),
        (Implementation::Baseline, baseline::robust_mutex),
        (Implementation::Plain, baseline::plain_mutex),
    ],
    ..Mechanism::LOCK
};

/// The reading side of a reader-writer lock.
pub(crate) static RWLOCK_READ: Mechanism = Mechanism {
    id: "sync_rwlock_read",
    summary: "read-lock and unlock; baseline: pthread rwlock (not crash-safe)",
    implementations: &[
        (Implementation::Ipcraft, rwlock_read),
        (Implementation::Baseline, baseline::rwlock_read),
        (Implementation::Plain, baseline::plain_mutex),
    ],
    ..Mechanism::LOCK
};

/// The writing side of a reader-writer lock.
pub(crate) static RWLOCK_WRITE: Mechanism = Mechanism {
    id: "sync_rwlock_write",
    summary: "write-lock and unlock, 32 reader slots; baseline: pthread rwlock (not crash-safe)",
    implementations: &[
        (Implementation::Ipcraft, rwlock_write),
        (Implementation::Baseline, baseline::rwlock_write),
        (Implementation::Plain, baseline::plain_mutex),
    ],
    ..Mechanism::LOCK
};

/// A semaphore with one permit, which is returned when its holder dies.
pub(crate) static SEMAPHORE: Mechanism = Mechanism {
    id: "sync_semaphore",
    summary: "acquire and release the only permit; baseline: System V semaphore with SEM_UNDO",
    implementations: &[
        (Implementation::Ipcraft, semaphore),
        (Implementation::Baseline, baseline::sysv_semaphore),
        (Implementation::Plain, baseline::plain_mutex),
    ],
    ..Mechanism::LOCK
};

/// Creates a value in memory that both processes share.
pub(super) fn shared<T: ProcessShared>(
    initialize: impl FnOnce(&T) -> ipcraft::Result<()>,
) -> io::Result<Shared<T>> {
    let memory = Memfd::create("ipcraft-bench", Shared::<T>::SIZE)?;
    Ok(Shared::initialize(memory.map()?, initialize)?)
}

fn mutex(_scratch: &Path) -> io::Result<Endpoints> {
    let number = Arc::new(shared(|number: &Mutex<u64>| number.init(0))?);
    Ok(Operation::of_both(move || {
        *number.lock().or_else(|e| e.repair(|_| ()))? += 1;
        Ok(())
    }))
}

fn rwlock() -> io::Result<Arc<Shared<RwLock<u64>>>> {
    Ok(Arc::new(shared(|number: &RwLock<u64>| number.init(0))?))
}

fn rwlock_read(_scratch: &Path) -> io::Result<Endpoints> {
    let number = rwlock()?;
    Ok(Operation::of_both(move || {
        black_box(*number.read()?);
        Ok(())
    }))
}

fn rwlock_write(_scratch: &Path) -> io::Result<Endpoints> {
    let number = rwlock()?;
    Ok(Operation::of_both(move || {
        *number.write().or_else(|e| e.repair(|_| ()))? += 1;
        Ok(())
    }))
}

ipcraft::shared_struct! {
    /// The number that the permit guards.
    struct Guarded {
        permit: Semaphore<1>,
        number: AtomicU64,
    }
}

fn semaphore(_scratch: &Path) -> io::Result<Endpoints> {
    let guarded = Arc::new(shared(|guarded: &Guarded| guarded.permit.init())?);
    Ok(Operation::of_both(move || {
        let _permit = guarded.permit.acquire()?;
        // A plain change suffices, since the permit is exclusive.
        guarded.number.store(guarded.number.load(Relaxed) + 1, Relaxed);
        Ok(())
    }))
}
