//! Removal of a System V object when its handle is dropped.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use libc::c_int;

use crate::support::process_identity::ProcessIdentity;

/// Removes a System V object on drop, in the process that created it.
///
/// A forked child has a copy of the value and must not remove its parent's object. The kernel
/// assigns an identifier again only after thousands of other objects, so the identifier stands for
/// the object.
#[derive(Debug)]
pub(crate) struct RemoveOnDrop {
    id: c_int,
    creator: ProcessIdentity,
    cancelled: AtomicBool,
    remove: fn(c_int) -> nix::Result<()>,
}

impl RemoveOnDrop {
    /// Takes charge of the object that this process has just created.
    pub(crate) fn new(id: c_int, remove: fn(c_int) -> nix::Result<()>) -> Self {
        RemoveOnDrop { id, creator: ProcessIdentity::current(), cancelled: AtomicBool::new(false), remove }
    }

    /// Leaves the object alone from now on.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Whether a drop in this process removes the object.
    pub(crate) fn is_armed(&self) -> bool {
        !self.cancelled.load(Relaxed) && self.creator.is_current()
    }
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if self.is_armed() {
            // A drop cannot report an error, and an object that another process removed is gone as
            // intended.
            let _ = (self.remove)(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    static REMOVED: AtomicUsize = AtomicUsize::new(0);

    fn count(_: c_int) -> nix::Result<()> {
        REMOVED.fetch_add(1, Relaxed);
        Ok(())
    }

    #[test]
    fn removal_on_drop_happens_once_and_only_in_the_creating_process() {
        drop(RemoveOnDrop::new(7, count));
        assert_eq!(REMOVED.load(Relaxed), 1);

        let cancelled = RemoveOnDrop::new(7, count);
        assert!(cancelled.is_armed());
        cancelled.cancel();
        assert!(!cancelled.is_armed());
        drop(cancelled);

        let mut copy_in_a_child = RemoveOnDrop::new(7, count);
        copy_in_a_child.creator = ProcessIdentity::OTHER;
        drop(copy_in_a_child);
        assert_eq!(REMOVED.load(Relaxed), 1);
    }
}
