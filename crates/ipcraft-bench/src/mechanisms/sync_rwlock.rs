//! A lock for many readers or one writer that survives them all.

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::shm::Shared;
use ipcraft::sync::RwLock;

use super::lock::shared;
use crate::link::{Ends, Operation};
use crate::raw::lock;
use crate::registry::{Implementation, Mechanism};

/// The registration of the reading side.
pub(super) static READ: Mechanism = Mechanism {
    id: "sync_rwlock_read",
    summary: "read and unlock of a reader-writer lock; its twin is a pthread one, which survives nobody",
    implementations: &[
        (Implementation::Ipcraft, read),
        (Implementation::Raw, lock::rwlock_read),
        (Implementation::Plain, lock::plain_mutex),
    ],
    ..Mechanism::LOCK
};

/// The registration of the writing side.
pub(super) static WRITE: Mechanism = Mechanism {
    id: "sync_rwlock_write",
    summary: "write and unlock of a reader-writer lock for 32 readers; its twin is a pthread one, which survives nobody",
    implementations: &[
        (Implementation::Ipcraft, write),
        (Implementation::Raw, lock::rwlock_write),
        (Implementation::Plain, lock::plain_mutex),
    ],
    ..Mechanism::LOCK
};

fn new() -> io::Result<Arc<Shared<RwLock<u64>>>> {
    Ok(Arc::new(shared(|number: &RwLock<u64>| number.init(0))?))
}

fn read(_scratch: &Path) -> io::Result<Ends> {
    let number = new()?;
    Ok(Operation::of_both(move || {
        black_box(*number.read()?);
        Ok(())
    }))
}

fn write(_scratch: &Path) -> io::Result<Ends> {
    let number = new()?;
    Ok(Operation::of_both(move || {
        *number.write().or_else(|e| e.repair(|_| ()))? += 1;
        Ok(())
    }))
}
