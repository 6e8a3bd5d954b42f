//! shmat(2) and shmdt(2), which nix lacks.

#![allow(unsafe_code)]

use std::ptr::{self, NonNull};

use nix::errno::Errno;

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
        // SAFETY: because without an address of ours the kernel chooses one where nothing is mapped (shmop(2)).
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
        // SAFETY: because the segment is attached there, and whoever holds the address holds `self` too.
        unsafe { libc::shmdt(self.start.as_ptr().cast()) };
    }
}
