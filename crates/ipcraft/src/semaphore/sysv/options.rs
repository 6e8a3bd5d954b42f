//! Creation and opening of a set.

use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;

use super::limits;
use super::set::SemaphoreSet;
use crate::error::{Error, ErrorKind, Result};
use crate::support::backoff::Backoff;
use crate::support::create_or_open::create_or_open;
use crate::sys::sysv_sem;
use crate::sysv::{Creation, Key, RemoveOnDrop};
use crate::time::Deadline;

const SEMGET: &str = "semget";
const STAT: &str = "semctl(IPC_STAT)";

/// Options for creating a set, and for opening one that another process creates.
///
/// ```
/// use ipcraft::semaphore::sysv;
/// use ipcraft::sysv::Key;
///
/// let set = sysv::Options::new().mode(0o660).remove_on_drop(true).create_new(Key::PRIVATE, &[1, 0])?;
/// assert_eq!(set.values()?, [1, 0]);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    creation: Creation,
    wait_for_creator: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Options { creation: Creation::default(), wait_for_creator: Some(Duration::from_secs(1)) }
    }
}

impl Options {
    /// Default options: mode 0600, not removed on drop, up to one second for the creator to set the
    /// values.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permission bits of a new set, such as `0o660`; the umask does not apply.
    pub fn mode(mut self, mode: u32) -> Self {
        self.creation.mode = mode;
        self
    }

    /// Removes the set when the handle is dropped, provided that this call created it, in the
    /// creating process.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.creation.remove_on_drop = yes;
        self
    }

    /// Sets how long opening waits until the set has its initial values; `None` does not wait.
    ///
    /// The criterion is that operations have been applied to the set, as
    /// [`create`](Options::create) does. Use `None` for the sets of programs that do not.
    pub fn wait_for_creator(mut self, timeout: Option<Duration>) -> Self {
        self.wait_for_creator = timeout;
        self
    }

    /// `semget(2)` with `IPC_CREAT`: opens the set of this key, or creates it with these values.
    ///
    /// An existing set keeps its values and may have more semaphores.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) if the existing set has fewer semaphores; others as
    /// in the [module's table](super#errors).
    pub fn create(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        create_or_open(|| self.create_new(key, values), || self.find(key, values.len()))
    }

    /// `semget(2)` with `IPC_CREAT | IPC_EXCL`: creates a set with these values; exactly one of
    /// several racing processes succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if a set has the key;
    /// [`LimitReached`](crate::ErrorKind::LimitReached); others as in the [module's
    /// table](super#errors).
    pub fn create_new(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        let id = get(key, values.len(), self.creation.flags())?;
        // If setting the values fails, the set is removed again, since no other process would set
        // them.
        let removal = RemoveOnDrop::new(id, sysv_sem::remove);
        let mut set = SemaphoreSet::new(id, key, values.len());
        set.initialize(values)?;
        if self.creation.remove_on_drop {
            set.remove_on_drop(removal);
        } else {
            removal.cancel();
        }
        Ok(set)
    }

    /// `semget(2)`: opens an existing set, once it has its initial values.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound) if no set has the key;
    /// * [`TimedOut`](crate::ErrorKind::TimedOut) if its creator has not [set the
    ///   values](Options::wait_for_creator) in time;
    /// * others as in the [module's table](super#errors).
    pub fn open(&self, key: Key) -> Result<SemaphoreSet> {
        self.find(key, 0)
    }

    /// `semctl(2)` with `IPC_STAT`: opens the set with this identifier, which another process
    /// passed on. A [private](Key::PRIVATE) set can be opened in no other way.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound) if there is none;
    /// * [`TimedOut`](crate::ErrorKind::TimedOut) as for [`open`](Options::open).
    pub fn from_id(&self, id: i32) -> Result<SemaphoreSet> {
        let status = sysv_sem::status(id)
            .map_err(|e| status_error(e, ErrorKind::NotFound).with_name(format!("id {id}")))?;
        self.attach(id, Key::new(status.sem_perm.__key))
    }

    fn find(&self, key: Key, count: usize) -> Result<SemaphoreSet> {
        if key.is_private() {
            return Err(Error::new(SEMGET, ErrorKind::Invalid)
                .with_name(key.to_string())
                .with_hint("open a private set by its identifier"));
        }
        self.attach(get(key, count, 0)?, key)
    }

    /// Waits until the creator has applied an operation, which it does after setting the values.
    fn attach(&self, id: c_int, key: Key) -> Result<SemaphoreSet> {
        let deadline = Deadline::after(self.wait_for_creator.unwrap_or(Duration::ZERO));
        let mut backoff = Backoff::new();
        loop {
            let status = sysv_sem::status(id)
                .map_err(|e| status_error(e, ErrorKind::Removed).with_name(key.to_string()))?;
            if status.sem_otime != 0 || self.wait_for_creator.is_none() {
                return Ok(SemaphoreSet::new(id, key, status.sem_nsems as usize));
            }
            if !backoff.sleep(deadline) {
                return Err(uninitialized(key));
            }
        }
    }
}

fn get(key: Key, count: usize, flags: c_int) -> Result<c_int> {
    let most = c_int::try_from(count).unwrap_or(c_int::MAX);
    sysv_sem::get(key.number(), most, flags)
        .map_err(|e| get_error(e, count, flags).with_name(key.to_string()))
}

fn get_error(errno: Errno, count: usize, flags: c_int) -> Error {
    let error = Error::from_errno(SEMGET, errno);
    match errno {
        Errno::EINVAL if flags & libc::IPC_CREAT == 0 => {
            error.with_hint("check which program uses this key: its set has fewer semaphores")
        }
        Errno::EINVAL if count == 0 => error.with_hint("pass at least one value"),
        Errno::EINVAL => match limits::set_size(count) {
            None => error,
            limit => error.with_kind(ErrorKind::LimitReached).with_limit(limit),
        },
        Errno::ENOSPC => error.with_limit(limits::namespace(count)),
        _ => error,
    }
}

/// The error of `IPC_STAT`, where an invalid identifier means `absent`.
fn status_error(errno: Errno, absent: ErrorKind) -> Error {
    let error = Error::from_errno(STAT, errno);
    match errno {
        Errno::EINVAL | Errno::EIDRM => error.with_kind(absent),
        _ => error,
    }
}

fn uninitialized(key: Key) -> Error {
    Error::new(SEMGET, ErrorKind::TimedOut)
        .with_name(key.to_string())
        .with_hint("remove the set if its creator died, or set wait_for_creator(None)")
}
