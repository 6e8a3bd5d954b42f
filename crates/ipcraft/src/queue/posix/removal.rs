//! Removal of a queue when its handle is dropped.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::fstat;

use crate::support::process_identity::ProcessIdentity;
use crate::sys::posix_mq;

/// Removes the name of a queue on drop, in the creating process, if it still names the same queue.
#[derive(Debug)]
pub(super) struct RemoveOnDrop {
    name: CString,
    /// Device and inode number of the queue, which the owning handle keeps alive.
    identity: (u64, u64),
    /// `None` once another owner removes the name.
    creator: Option<ProcessIdentity>,
}

impl RemoveOnDrop {
    /// Prepares the removal of the queue that this process has just created under this name.
    pub(super) fn new(name: CString, queue: &OwnedFd) -> nix::Result<Self> {
        Ok(RemoveOnDrop { name, identity: identity(queue)?, creator: Some(ProcessIdentity::current()) })
    }

    /// Leaves the name to the new owner of the descriptor.
    pub(super) fn cancel(mut self) {
        self.creator = None;
    }

    fn names_our_queue(&self) -> bool {
        self.creator.is_some_and(ProcessIdentity::is_current)
            && self.named_queue().is_ok_and(|found| found == self.identity)
    }

    fn named_queue(&self) -> nix::Result<(u64, u64)> {
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
        if self.names_our_queue() {
            // A drop cannot report an error; the next creation of the name will report that it
            // exists.
            let _ = posix_mq::unlink(&self.name);
        }
    }
}
