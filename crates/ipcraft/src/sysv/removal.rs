//! Removal of a System V object, on request and when its handle is dropped.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use libc::c_int;

use super::{Identity, Key};
use crate::support::process_identity::ProcessIdentity;

/// A System V object, which is removed on drop if that was asked for, in the process that created
/// it.
///
/// A forked child has a copy of the value and must not remove its parent's object.
#[derive(Debug)]
pub(crate) struct Object {
    identity: Identity,
    /// The process whose drop removes the object; `None` if no drop does.
    creator: Option<ProcessIdentity>,
    is_removed: AtomicBool,
}

impl Object {
    /// An object that stays when the handle is dropped.
    pub(crate) fn kept(identity: Identity) -> Self {
        Object { identity, creator: None, is_removed: AtomicBool::new(false) }
    }

    /// An object that this process has just created, and that goes with the handle.
    pub(crate) fn removed_on_drop(identity: Identity) -> Self {
        let creator = Some(ProcessIdentity::current());
        Object { identity, creator, is_removed: AtomicBool::new(false) }
    }

    #[inline]
    pub(crate) fn id(&self) -> c_int {
        self.identity.id()
    }

    pub(crate) fn key(&self) -> Option<Key> {
        self.identity.key()
    }

    /// Leaves the object when the handle is dropped.
    pub(crate) fn keep(&mut self) {
        self.creator = None;
    }

    /// `IPC_RMID`. A handle whose object could not be removed tries again when it is dropped.
    pub(crate) fn remove(&self) -> nix::Result<()> {
        self.identity.remove()?;
        self.is_removed.store(true, Relaxed);
        Ok(())
    }

    /// Whether a drop in this process removes the object.
    pub(crate) fn removes_on_drop(&self) -> bool {
        self.creator.is_some_and(ProcessIdentity::is_current) && !self.is_removed.load(Relaxed)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.removes_on_drop() {
            // A drop cannot report an error, and an object that another process removed is gone as
            // intended.
            let _ = self.identity.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use nix::errno::Errno;
    use nix::unistd::{getegid, geteuid};

    use super::*;
    use crate::sysv::{Calls, Facts};

    thread_local! {
        static REMOVED: Cell<usize> = const { Cell::new(0) };
        static FOUND: Cell<Option<Facts>> = const { Cell::new(None) };
    }

    const CALLS: Calls = Calls {
        facts: |_| FOUND.get().ok_or(Errno::EINVAL),
        remove: |_| {
            REMOVED.set(REMOVED.get() + 1);
            Ok(())
        },
    };

    /// What the kernel reports of an object of this process with the key.
    fn ours(key: i32) -> Facts {
        let creator = (geteuid().as_raw(), getegid().as_raw());
        Facts { key: Key::new(key), creator, is_removed: false }
    }

    fn made() -> Object {
        FOUND.set(Some(ours(7)));
        Object::removed_on_drop(Identity::made(3, Key::new(7), &CALLS))
    }

    #[test]
    fn removal_on_drop_happens_once_and_only_in_the_creating_process() {
        drop(made());
        assert_eq!(REMOVED.get(), 1);

        let removed = made();
        assert!(removed.removes_on_drop());
        removed.remove().unwrap();
        assert!(!removed.removes_on_drop());
        drop(removed);
        assert_eq!(REMOVED.get(), 2);

        let mut copy_in_a_child = made();
        copy_in_a_child.creator = Some(ProcessIdentity::OTHER);
        drop(copy_in_a_child);
        let mut kept = made();
        kept.keep();
        drop(kept);
        assert_eq!(REMOVED.get(), 2);
    }

    #[test]
    fn another_object_with_the_identifier_is_not_removed() {
        let object = made();
        for other in [ours(8), Facts { creator: (ours(7).creator.0 + 1, 0), ..ours(7) }] {
            FOUND.set(Some(other));
            assert_eq!(object.remove(), Err(Errno::EIDRM));
        }
        assert!(object.removes_on_drop(), "the handle is usable after the failed removal");
        FOUND.set(None);
        assert_eq!(object.remove(), Err(Errno::EINVAL));
        FOUND.set(Some(Facts { is_removed: true, ..ours(0) }));
        object.remove().expect("a segment that is removed and still attached has no key");
        assert_eq!(REMOVED.get(), 1);
    }
}
