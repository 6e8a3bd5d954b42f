//! What the kernel tells about a segment.

use std::time::{Duration, SystemTime};

use crate::pid::Pid;
use crate::sysv::Permissions;

/// Above the permission bits the kernel keeps these (linux/shm.h).
const SHM_DEST: u32 = 0o1000;
const SHM_LOCKED: u32 = 0o2000;

/// `struct shmid_ds`: a segment as it was when it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "shmid_ds")]
#[non_exhaustive]
pub struct Statistics {
    /// Size in bytes, as it was asked for at creation.
    pub size: usize,
    /// How many times it is attached, in all processes together.
    pub attachments: u64,
    /// Who may do what.
    pub permissions: Permissions,
    /// The process that created it, which may have ended; `None` if it is not visible in this pid
    /// namespace.
    pub creator: Option<Pid>,
    /// The process that attached or detached last, which may be gone; `None` before the first.
    pub last_user: Option<Pid>,
    /// When it was last attached.
    pub attached: Option<SystemTime>,
    /// When it was last detached.
    pub detached: Option<SystemTime>,
    /// When it was created, or its owner or mode last changed.
    pub changed: Option<SystemTime>,
    /// Marked for removal: it is gone with the last attachment.
    pub is_removed: bool,
    /// Locked in memory.
    pub is_locked: bool,
}

impl From<&libc::shmid_ds> for Statistics {
    fn from(data: &libc::shmid_ds) -> Self {
        let mode = data.shm_perm.mode as u32;
        Statistics {
            size: data.shm_segsz,
            attachments: data.shm_nattch,
            permissions: Permissions::from(&data.shm_perm),
            creator: Pid::from_raw(data.shm_cpid),
            last_user: Pid::from_raw(data.shm_lpid),
            attached: time(data.shm_atime),
            detached: time(data.shm_dtime),
            changed: time(data.shm_ctime),
            is_removed: mode & SHM_DEST != 0,
            is_locked: mode & SHM_LOCKED != 0,
        }
    }
}

/// 0 is never.
fn time(seconds: libc::time_t) -> Option<SystemTime> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds != 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
