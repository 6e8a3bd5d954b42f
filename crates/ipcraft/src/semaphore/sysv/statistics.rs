//! The kernel's information about a set.

use std::time::SystemTime;

use libc::semid_ds;

use crate::sysv::{Permissions, time};

/// `struct semid_ds`: a snapshot of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "semid_ds")]
#[non_exhaustive]
pub struct Statistics {
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
            count: status.sem_nsems as usize,
            last_operation: time(status.sem_otime),
            last_change: time(status.sem_ctime).unwrap_or(SystemTime::UNIX_EPOCH),
            permissions: Permissions::from(&status.sem_perm),
        }
    }
}
