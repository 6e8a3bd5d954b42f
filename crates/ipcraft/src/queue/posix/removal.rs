//! Removing the queue that this process made, and no other.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::process;

use nix::errno::Errno;
use nix::sys::stat::fstat;

use crate::sys::posix_mq;

/// A name that is removed on drop: by the process that made it, and only if it still leads to the same queue.
#[derive(Debug)]
pub(super) struct RemoveOnDrop {
    name: CString,
    /// Device and inode number of the queue, which the handle that this belongs to keeps in existence.
    identity: (u64, u64),
    owner: u32,
}

impl RemoveOnDrop {
    /// Takes charge of the queue that this process has just made under this name.
    pub(super) fn new(name: CString, queue: &OwnedFd) -> nix::Result<Self> {
        Ok(RemoveOnDrop { name, identity: identity(queue)?, owner: process::id() })
    }

    /// Leaves the name to whoever takes over the queue.
    pub(super) fn cancel(mut self) {
        // No process has this id.
        self.owner = 0;
    }

    fn is_still_ours(&self) -> bool {
        self.owner == process::id() && self.behind_the_name().is_ok_and(|found| found == self.identity)
    }

    fn behind_the_name(&self) -> nix::Result<(u64, u64)> {
        let open = |access| posix_mq::open(&self.name, access, 0, None);
        let queue = open(libc::O_RDONLY).or_else(|e| match e {
            // The mode may allow its owner one direction only.
            Errno::EACCES => open(libc::O_WRONLY),
            other => Err(other),
        })?;
        identity(&queue)
    }
}

fn identity(queue: &OwnedFd) -> nix::Result<(u64, u64)> {
    fstat(queue.as_fd()).map(|stat| (stat.st_dev, stat.st_ino))
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if self.is_still_ours() {
            // Nobody is left to tell if it fails, and who makes the name next is told that it exists.
            let _ = posix_mq::unlink(&self.name);
        }
    }
}
