//! What the kernel keeps about a set.

use std::time::{Duration, SystemTime};

use libc::semid_ds;

use crate::sysv::Permissions;

/// `struct semid_ds`: a set as it was when it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "semid_ds")]
#[non_exhaustive]
pub struct Statistics {
    /// How many semaphores it has; that never changes.
    pub count: usize,
    /// When operations were last applied, in whole seconds; `None` if never.
    pub last_operation: Option<SystemTime>,
    /// When it was created or last changed by setting values or permissions, in whole seconds.
    pub last_change: SystemTime,
    /// Who may do what.
    pub permissions: Permissions,
}

impl From<&semid_ds> for Statistics {
    fn from(status: &semid_ds) -> Self {
        Statistics {
            count: status.sem_nsems as usize,
            last_operation: (status.sem_otime != 0).then(|| time(status.sem_otime)),
            last_change: time(status.sem_ctime),
            permissions: Permissions::from(&status.sem_perm),
        }
    }
}

fn time(seconds: libc::time_t) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.max(0) as u64)
}
