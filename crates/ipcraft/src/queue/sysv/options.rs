//! Creation and opening of a queue.

use std::sync::Arc;

use nix::errno::Errno;

use super::{Queue, control};
use crate::error::{Error, ErrorKind, Result};
use crate::support::create_or_open::create_or_open;
use crate::support::limits;
use crate::sys::sysv_msg;
use crate::sysv::{Calls, Creation, Facts, Identity, Key, Object};

const GET: &str = "msgget";
const STAT: &str = "msgctl(IPC_STAT)";

const CALLS: Calls = Calls {
    facts: |id| control::status(id).map(|status| Facts::from(&status.msg_perm)),
    remove: sysv_msg::remove,
};

/// Options for creating a queue.
///
/// ```
/// use ipcraft::queue::sysv::{Options, Queue};
/// use ipcraft::sysv::Key;
///
/// let queue = Options::new().mode(0o660).remove_on_drop(true).create_new(Key::PRIVATE)?;
/// let id = queue.id();
/// assert_eq!(queue.statistics()?.permissions.mode, 0o660);
/// drop(queue);
/// assert!(Queue::from_id(id).is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    creation: Creation,
}

impl Options {
    /// Default options: mode 0600, not removed on drop.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permission bits of a new queue, such as `0o620`; the umask does not apply. Read
    /// permission allows receiving, write permission sending.
    pub fn mode(mut self, mode: u32) -> Self {
        self.creation.mode = mode;
        self
    }

    /// Removes the queue when the handle is dropped, provided that this call created it, in the
    /// creating process.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.creation.remove_on_drop = yes;
        self
    }

    /// `msgget(2)` with `IPC_CREAT`: opens the queue of this key, or creates it. An existing queue
    /// keeps its mode.
    ///
    /// # Errors
    ///
    /// As in the [module's table](super#errors).
    pub fn create(&self, key: Key) -> Result<Queue> {
        create_or_open(|| self.create_new(key), || find(key))
    }

    /// `msgget(2)` with `IPC_CREAT | IPC_EXCL`: creates the queue; exactly one of several racing
    /// processes succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the key is taken; others as in the
    /// [module's table](super#errors).
    pub fn create_new(&self, key: Key) -> Result<Queue> {
        let flags = self.creation.flags(GET).map_err(|e| e.with_name(key.to_string()))?;
        let id = get(key, flags)?;
        Ok(Queue::new(self.creation.object(id, key, &CALLS), describe(key, id)))
    }
}

/// `msgget(2)`: opens the queue of this key.
pub(super) fn open(key: Key) -> Result<Queue> {
    if key.is_private() {
        return Err(Error::new(GET, ErrorKind::Invalid)
            .with_name(key.to_string())
            .with_hint("open a private queue by its identifier"));
    }
    find(key)
}

fn find(key: Key) -> Result<Queue> {
    let id = get(key, 0)?;
    Ok(Queue::new(Object::kept(Identity::found(id, Some(key), &CALLS)), describe(key, id)))
}

fn get(key: Key, flags: libc::c_int) -> Result<i32> {
    sysv_msg::get(key.number(), flags).map_err(|e| failed(key, e))
}

/// `msgctl(2)` with `IPC_STAT`: opens the queue with this identifier.
pub(super) fn from_id(id: i32) -> Result<Queue> {
    let name: Arc<str> = format!("queue {id}").into();
    let failed = |e| Error::from_errno(STAT, e).with_object(Some(&name));
    let key = match control::status(id) {
        Ok(status) => Some(Key::new(status.msg_perm.__key)),
        // A process that may only send has no permission to read the status.
        Err(Errno::EACCES) => None,
        Err(e @ (Errno::EINVAL | Errno::EIDRM)) => return Err(failed(e).with_kind(ErrorKind::NotFound)),
        Err(e) => return Err(failed(e)),
    };
    Ok(Queue::new(Object::kept(Identity::found(id, key, &CALLS)), name))
}

fn describe(key: Key, id: i32) -> Arc<str> {
    format!("queue {id} ({key})").into()
}

#[cold]
fn failed(key: Key, errno: Errno) -> Error {
    let error = Error::from_errno(GET, errno).with_name(key.to_string());
    match errno {
        Errno::ENOSPC => {
            let queues = sysv_msg::info().ok().map(|(_, info)| info.msgpool as u64 + 1);
            error
                .with_limit(limits::sysctl("/proc/sys/kernel/msgmni", queues))
                .with_hint("remove queues that `ipcs -q` shows, or raise the limit")
        }
        Errno::ENOMEM => error.with_limit(limits::memory_left()),
        _ => error,
    }
}
