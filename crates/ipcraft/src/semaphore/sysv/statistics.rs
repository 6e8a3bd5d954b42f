//! The kernel's information about a set.

use std::time::SystemTime;

use libc::semid_ds;

use crate::error::{Error, Result};
use crate::sys::sysv_sem;
use crate::sysv::{Key, Permissions, TableEntry, table, time};

/// `struct semid_ds`: a snapshot of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "semid_ds")]
#[non_exhaustive]
pub struct Statistics {
    /// The key that it was created with.
    pub key: Key,
    /// Number of semaphores, which never changes.
    pub count: usize,
    /// Time of the last operation, in whole seconds; `None` before the first.
    pub last_operation: Option<SystemTime>,
    /// Time of creation, or of the last change of values or permissions, in whole seconds.
    pub last_change: SystemTime,
    /// Owner, creator and mode.
    pub permissions: Permissions,
}

impl From<&semid_ds> for Statistics {
    fn from(status: &semid_ds) -> Self {
        Statistics {
            key: Key::new(status.sem_perm.__key),
            count: status.sem_nsems as usize,
            last_operation: time(status.sem_otime),
            last_change: time(status.sem_ctime).unwrap_or(SystemTime::UNIX_EPOCH),
            permissions: Permissions::from(&status.sem_perm),
        }
    }
}

/// `SEM_STAT_ANY`: returns all sets of this IPC namespace, by their place in the kernel's table.
/// Needs no right to read them.
///
/// The snapshots are taken one after another: a set that is made or removed meanwhile may be
/// missing. Linux 4.17 introduced the call; before, the list is empty.
#[doc(alias = "SEM_STAT_ANY")]
pub fn list() -> Result<Vec<TableEntry<Statistics>>> {
    let (highest, _) = sysv_sem::usage().map_err(|e| Error::from_errno("semctl(SEM_INFO)", e))?;
    table("semctl(SEM_STAT_ANY)", highest, sysv_sem::status_any)
}
