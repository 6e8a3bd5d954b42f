//! What a handle knows of its object, beside the identifier.

use libc::{c_int, ipc_perm};
use nix::errno::Errno;
use nix::unistd::{getegid, geteuid};

use super::Key;
use crate::support::ipc_namespace::IpcNamespace;

/// The flag that the kernel stores above the mode of a segment that is removed and still attached.
/// Its key is private from then on (shmctl(2)).
const SHM_DEST: u32 = 0o1000;

/// The calls of one kind of object.
#[derive(Debug)]
pub(crate) struct Calls {
    /// `IPC_STAT`, with or without the right to read.
    pub(crate) facts: fn(c_int) -> nix::Result<Facts>,
    /// `IPC_RMID`
    pub(crate) remove: fn(c_int) -> nix::Result<()>,
}

/// What does not change while an object exists, and distinguishes it from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) key: Key,
    /// The user and the group that created it.
    pub(crate) creator: (u32, u32),
    /// Whether it is a segment that lost its key in a removal.
    pub(crate) is_removed: bool,
}

impl From<&ipc_perm> for Facts {
    fn from(perm: &ipc_perm) -> Self {
        Facts {
            key: Key::new(perm.__key),
            creator: (perm.cuid, perm.cgid),
            is_removed: perm.mode as u32 & SHM_DEST != 0,
        }
    }
}

/// An object: its identifier, and what distinguishes it from a later object with the same one.
///
/// The kernel gives an identifier out again after some million objects, or earlier if root asks for
/// it (`/proc/sys/kernel/msg_next_id`). Each IPC namespace counts for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    id: c_int,
    key: Option<Key>,
    maker: Option<Maker>,
    calls: &'static Calls,
}

/// Where and by which user an object was made.
#[derive(Clone, Copy, Debug)]
struct Maker {
    ids: (u32, u32),
    namespace: IpcNamespace,
}

impl Identity {
    /// An object that was opened; the key is `None` if it is unknown.
    pub(crate) fn found(id: c_int, key: Option<Key>, calls: &'static Calls) -> Self {
        Identity { id, key, maker: None, calls }
    }

    /// An object that this thread has just made.
    pub(crate) fn made(id: c_int, key: Key, calls: &'static Calls) -> Self {
        let ids = (geteuid().as_raw(), getegid().as_raw());
        let maker = Maker { ids, namespace: IpcNamespace::current() };
        Identity { id, key: Some(key), maker: Some(maker), calls }
    }

    #[inline]
    pub(crate) fn id(&self) -> c_int {
        self.id
    }

    pub(crate) fn key(&self) -> Option<Key> {
        self.key
    }

    /// `IPC_RMID`, unless the identifier belongs to another object by now: `EIDRM`.
    pub(crate) fn remove(&self) -> nix::Result<()> {
        if self.maker.is_some_and(|maker| !maker.namespace.may_be_current()) {
            return Err(Errno::EIDRM);
        }
        match (self.calls.facts)(self.id) {
            Ok(found) if !self.is(&found) => Err(Errno::EIDRM),
            Ok(_) => (self.calls.remove)(self.id),
            // Unreadable, so the kernel is older than 4.17. The removal needs no such right.
            Err(Errno::EACCES) => (self.calls.remove)(self.id),
            Err(e) => Err(e),
        }
    }

    fn is(&self, found: &Facts) -> bool {
        (found.is_removed || self.key.is_none_or(|key| key == found.key))
            && self.maker.is_none_or(|maker| maker.ids == found.creator)
    }
}
