//! System V shared memory: shmget(2), shmat(2), shmctl(2).

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use nix::errno::Errno;

/// `SHM_STAT_ANY` and `SHM_INFO`, which libc does not name (linux/shm.h).
const STAT_ANY: libc::c_int = 15;
const INFO: libc::c_int = 14;

/// shmget(2): returns the identifier.
pub(crate) fn get(key: libc::key_t, size: usize, flags: libc::c_int) -> nix::Result<i32> {
    // SAFETY: because shmget(2) takes numbers alone.
    Errno::result(unsafe { libc::shmget(key, size, flags) })
}

/// shmctl(2) with `IPC_STAT`.
pub(crate) fn stat(id: i32) -> nix::Result<libc::shmid_ds> {
    let mut data = MaybeUninit::<libc::shmid_ds>::zeroed();
    // SAFETY: because IPC_STAT writes one structure, to a variable of that type (shmctl(2)).
    Errno::result(unsafe { libc::shmctl(id, libc::IPC_STAT, data.as_mut_ptr()) })?;
    // SAFETY: because it was zeroed, which is valid for numbers, and then filled by the kernel.
    Ok(unsafe { data.assume_init() })
}

/// shmctl(2) with `SHM_STAT_ANY`: the identifier and the status of the segment at an index of the
/// table. Needs no right to read (Linux 4.17).
pub(crate) fn stat_any(index: i32) -> nix::Result<(i32, libc::shmid_ds)> {
    let mut data = MaybeUninit::<libc::shmid_ds>::zeroed();
    // SAFETY: because SHM_STAT_ANY writes one structure, to a variable of that type (shmctl(2)).
    let id = Errno::result(unsafe { libc::shmctl(index, STAT_ANY, data.as_mut_ptr()) })?;
    // SAFETY: because it was zeroed, which is valid for numbers, and then filled by the kernel.
    Ok((id, unsafe { data.assume_init() }))
}

/// shmctl(2) with `SHM_INFO`: the highest index in use.
pub(crate) fn highest_index() -> nix::Result<i32> {
    // Larger than `struct shm_info`, a C structure of one int and five longs.
    let mut info = [0_u64; 16];
    // SAFETY: because SHM_INFO writes one shm_info, for which there is room.
    Errno::result(unsafe { libc::shmctl(0, INFO, info.as_mut_ptr().cast()) })
}

/// shmctl(2) with `IPC_SET`, which takes owner, group and mode of the structure.
pub(crate) fn set(id: i32, data: &mut libc::shmid_ds) -> nix::Result<()> {
    // SAFETY: because IPC_SET reads one structure, from a variable of that type (shmctl(2)).
    Errno::result(unsafe { libc::shmctl(id, libc::IPC_SET, data) }).map(drop)
}

/// shmctl(2) with `IPC_RMID`.
pub(crate) fn remove(id: i32) -> nix::Result<()> {
    control(id, libc::IPC_RMID)
}

/// shmctl(2) with a command that takes no structure: `IPC_RMID`, `SHM_LOCK`, `SHM_UNLOCK`.
pub(crate) fn control(id: i32, command: libc::c_int) -> nix::Result<()> {
    // SAFETY: because these commands ignore the pointer (shmctl(2)).
    Errno::result(unsafe { libc::shmctl(id, command, ptr::null_mut()) }).map(drop)
}

/// A System V segment at an address that the kernel chose; detached on drop.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// Where shmat(2) put the segment; only the drop detaches it.
    start: NonNull<u8>,
}

// SAFETY: because an attachment belongs to the process and not to a thread (shmop(2)).
unsafe impl Send for Attachment {}
// SAFETY: because nothing of it changes until it is dropped.
unsafe impl Sync for Attachment {}

impl Attachment {
    /// shmat(2).
    pub(crate) fn new(id: i32, read_only: bool) -> nix::Result<Attachment> {
        let flags = if read_only { libc::SHM_RDONLY } else { 0 };
        // SAFETY: because the kernel chooses an unmapped address if it is given none (shmop(2)).
        let start = unsafe { libc::shmat(id, ptr::null(), flags) };
        if start.addr() == usize::MAX {
            return Err(Errno::last());
        }
        NonNull::new(start.cast()).map(|start| Attachment { start }).ok_or(Errno::EINVAL)
    }

    /// Aligned to a page; valid until the drop.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // SAFETY: because the segment is attached there, and every holder of the address holds
        // `self` too.
        unsafe { libc::shmdt(self.start.as_ptr().cast()) };
    }
}
