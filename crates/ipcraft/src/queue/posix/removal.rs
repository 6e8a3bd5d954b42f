//! The name of a queue, and its removal on request and when the handle is dropped.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use nix::errno::Errno;
use nix::sys::stat::fstat;

use crate::support::ipc_namespace::IpcNamespace;
use crate::support::process_identity::ProcessIdentity;
use crate::sys::posix_mq;

/// The name that a handle opened or created its queue by.
///
/// A queue has one name at most, and cannot be renamed. So the name leads to the queue exactly as
/// long as the queue has a link, which the handle's own descriptor shows. The removal needs neither
/// a free descriptor nor a right to open the queue.
#[derive(Debug)]
pub(super) struct Name {
    path: CString,
    /// The owning handle's descriptor, which that handle closes after this value is dropped.
    queue: RawFd,
    /// Device and inode number of the queue.
    identity: (u64, u64),
    /// Where the name leads to the queue. Noted for a removal on drop only, since it takes as long
    /// as opening a queue.
    namespace: Option<IpcNamespace>,
    /// The process whose drop removes the name; `None` if no drop does.
    creator: Option<ProcessIdentity>,
    is_removed: AtomicBool,
}

impl Name {
    /// The name that leads to this queue. The caller keeps the descriptor for as long as the value.
    pub(super) fn new(path: CString, queue: &OwnedFd) -> nix::Result<Self> {
        let stat = fstat(queue.as_fd())?;
        Ok(Name {
            path,
            queue: queue.as_raw_fd(),
            identity: (stat.st_dev, stat.st_ino),
            namespace: None,
            creator: None,
            is_removed: AtomicBool::new(false),
        })
    }

    /// Removes the name when the value is dropped, in this process only.
    pub(super) fn remove_on_drop(&mut self) {
        self.creator = Some(ProcessIdentity::current());
        self.namespace = Some(IpcNamespace::current());
    }

    /// Leaves the name when the value is dropped.
    pub(super) fn keep(&mut self) {
        self.creator = None;
    }

    /// Whether a drop in this process removes the name.
    pub(super) fn removes_on_drop(&self) -> bool {
        self.creator.is_some_and(ProcessIdentity::is_current) && !self.is_removed.load(Relaxed)
    }

    /// mq_unlink(3), or `EIDRM` if the name no longer leads to this queue.
    pub(super) fn remove(&self) -> nix::Result<()> {
        let is_here = || match self.namespace {
            Some(noted) => noted.may_be_current(),
            None => self.may_be_found(),
        };
        if !(self.queue_has_its_name()? && is_here()) {
            return Err(Errno::EIDRM);
        }
        posix_mq::unlink(&self.path)?;
        self.is_removed.store(true, Relaxed);
        Ok(())
    }

    /// Whether the name leads to the queue in the calling thread's namespace, or cannot be opened.
    fn may_be_found(&self) -> bool {
        let open = |access| posix_mq::open(&self.path, access, 0, None);
        let found = open(libc::O_RDONLY).or_else(|_| open(libc::O_WRONLY));
        match found.and_then(|queue| fstat(&queue)) {
            Ok(stat) => (stat.st_dev, stat.st_ino) == self.identity,
            Err(e) => e != Errno::ENOENT,
        }
    }

    fn queue_has_its_name(&self) -> nix::Result<bool> {
        // SAFETY: because the owner of this value owns the descriptor and drops it later (a field
        // below this one), so it is open. That it is the queue's is checked.
        let queue = unsafe { BorrowedFd::borrow_raw(self.queue) };
        let stat = fstat(queue)?;
        Ok((stat.st_dev, stat.st_ino) == self.identity && stat.st_nlink > 0)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if self.removes_on_drop() {
            // A drop cannot report an error; the next creation of the name will report that it
            // exists.
            let _ = self.remove();
        }
    }
}
