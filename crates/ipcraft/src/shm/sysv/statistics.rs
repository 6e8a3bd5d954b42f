//! The kernel's information about a segment.

use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::pid::Pid;
use crate::sys::sysv_shm;
use crate::sysv::{Key, Permissions, TableEntry, table, time};

/// Flags that the kernel stores above the permission bits (linux/shm.h).
const SHM_DEST: u32 = 0o1000;
const SHM_LOCKED: u32 = 0o2000;

/// `struct shmid_ds`: a snapshot of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "shmid_ds")]
#[non_exhaustive]
pub struct Statistics {
    /// The key; [`Key::PRIVATE`] also after a removal while it is attached.
    pub key: Key,
    /// Size in bytes, as requested at creation.
    pub size: usize,
    /// Number of attachments, over all processes.
    pub attachments: u64,
    /// Owner, creator and mode.
    pub permissions: Permissions,
    /// Process id of the creator, which may have exited; `None` if invisible in this pid namespace.
    pub creator: Option<Pid>,
    /// Process id of the last attach or detach; `None` before the first.
    pub last_user: Option<Pid>,
    /// Time of the last attach.
    pub attached: Option<SystemTime>,
    /// Time of the last detach.
    pub detached: Option<SystemTime>,
    /// Time of creation, or of the last change of owner or mode.
    pub changed: Option<SystemTime>,
    /// Whether it is marked for removal with its last attachment.
    pub is_removed: bool,
    /// Whether it is locked in memory.
    pub is_locked: bool,
}

impl From<&libc::shmid_ds> for Statistics {
    fn from(data: &libc::shmid_ds) -> Self {
        let mode = data.shm_perm.mode as u32;
        Statistics {
            key: Key::new(data.shm_perm.__key),
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

/// `shmctl(2)` with `SHM_STAT_ANY`: returns all segments of this IPC namespace, by their place in
/// the kernel's table. Needs no right to read them.
///
/// The snapshots are taken one after another: a segment that is made or removed meanwhile may be
/// missing. Linux 4.17 introduced the call; before, the list is empty.
#[doc(alias = "SHM_STAT_ANY")]
pub fn list() -> Result<Vec<TableEntry<Statistics>>> {
    let highest = sysv_shm::highest_index().map_err(|e| Error::from_errno("shmctl(SHM_INFO)", e))?;
    table("shmctl(SHM_STAT_ANY)", highest, sysv_shm::stat_any)
}
