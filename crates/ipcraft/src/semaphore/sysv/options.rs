//! Making or finding a set.

use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;

use super::limits;
use super::set::SemaphoreSet;
use crate::error::{Error, ErrorKind, Result};
use crate::support::backoff::Backoff;
use crate::sys::sysv_sem;
use crate::sysv::{Creation, Key, RemoveOnDrop};
use crate::time::Deadline;

const SEMGET: &str = "semget";
const STAT: &str = "semctl(IPC_STAT)";

/// How to make a set, and how to open one that somebody else makes.
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
    /// Mode 0600, never removed, at most a second for the creator to set the values.
    pub fn new() -> Self {
        Options::default()
    }

    /// Permission bits of a set that is created, such as `0o660`; there is no umask for System V objects.
    pub fn mode(mut self, mode: u32) -> Self {
        self.creation.mode = mode;
        self
    }

    /// Removes the set when the handle is dropped: if this call created it, and in the process that did.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.creation.remove_on_drop = yes;
        self
    }

    /// How long opening waits for a set to have got its first values, or `None` to take it as it is.
    ///
    /// The sign is that operations have been applied to it, which [`create`](Options::create) sees to. `None` is for
    /// the sets of programs that do not.
    pub fn wait_for_creator(mut self, patience: Option<Duration>) -> Self {
        self.wait_for_creator = patience;
        self
    }

    /// `semget(2)` with `IPC_CREAT`: makes a set with these values, or takes the one that exists with the values that
    /// it has.
    ///
    /// An existing set may have more semaphores than that.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) if the existing set has fewer semaphores; others as in the [module's
    /// table](super#errors).
    pub fn create(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        loop {
            match self.make(key, values) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                made => return made,
            }
            match self.find(key, values.len()) {
                // Removed between the two calls: then it is ours to make.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                found => return found,
            }
        }
    }

    /// `semget(2)` with `IPC_CREAT | IPC_EXCL`: makes a set with these values; exactly one of several racing processes
    /// succeeds.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if a set has the key;
    /// [`LimitReached`](crate::ErrorKind::LimitReached); others as in the [module's table](super#errors).
    pub fn create_new(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        self.make(key, values)
    }

    /// `semget(2)`: takes a set that exists, once it has its first values.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound); [`TimedOut`](crate::ErrorKind::TimedOut) if its creator has not [set
    /// the values](Options::wait_for_creator) in time; others as in the [module's table](super#errors).
    pub fn open(&self, key: Key) -> Result<SemaphoreSet> {
        self.find(key, 0)
    }

    /// Takes a set by its identifier, which a relative passed on: the way to a [private](Key::PRIVATE) set.
    ///
    /// # Errors
    ///
    /// [`Removed`](crate::ErrorKind::Removed) if there is no such set (any more);
    /// [`TimedOut`](crate::ErrorKind::TimedOut) as for [`open`](Options::open).
    pub fn from_id(&self, id: i32) -> Result<SemaphoreSet> {
        let status = sysv_sem::status(id).map_err(|e| unknown(e).with_name(format!("id {id}")))?;
        self.attach(id, Key::new(status.sem_perm.__key))
    }

    fn make(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        let id = get(key, values.len(), self.creation.flags())?;
        // If setting the values fails, the set is removed again, since no other process would set them.
        let removal = RemoveOnDrop::new(id, sysv_sem::remove);
        let mut set = SemaphoreSet::new(id, key, values.len());
        set.initialise(values)?;
        if self.creation.remove_on_drop {
            set.remove_on_drop(removal);
        } else {
            removal.cancel();
        }
        Ok(set)
    }

    fn find(&self, key: Key, count: usize) -> Result<SemaphoreSet> {
        if key.is_private() {
            return Err(Error::new(SEMGET, ErrorKind::Invalid)
                .with_name(key.to_string())
                .with_hint("a private set is opened by its identifier"));
        }
        self.attach(get(key, count, 0)?, key)
    }

    /// A set is there before it has values, so this waits for the sign that its creator gives after having set them.
    fn attach(&self, id: c_int, key: Key) -> Result<SemaphoreSet> {
        let deadline = Deadline::after(self.wait_for_creator.unwrap_or(Duration::ZERO));
        let mut backoff = Backoff::new();
        loop {
            let status = sysv_sem::status(id).map_err(|e| unknown(e).with_name(key.to_string()))?;
            if status.sem_otime != 0 || self.wait_for_creator.is_none() {
                return Ok(SemaphoreSet::new(id, key, status.sem_nsems as usize));
            }
            if !backoff.sleep(deadline) {
                return Err(uninitialised(key));
            }
        }
    }
}

fn get(key: Key, count: usize, flags: c_int) -> Result<c_int> {
    let most = c_int::try_from(count).unwrap_or(c_int::MAX);
    sysv_sem::get(key.number(), most, flags).map_err(|e| refusal(e, count, flags).with_name(key.to_string()))
}

fn refusal(errno: Errno, count: usize, flags: c_int) -> Error {
    let error = Error::from_errno(SEMGET, errno);
    match errno {
        Errno::EINVAL if flags & libc::IPC_CREAT == 0 => {
            error.with_hint("the set that exists has fewer semaphores")
        }
        Errno::EINVAL if count == 0 => error.with_hint("a set has at least one semaphore"),
        Errno::EINVAL => match limits::set_size(count) {
            None => error,
            limit => error.with_kind(ErrorKind::LimitReached).with_limit(limit),
        },
        Errno::ENOSPC => error.with_limit(limits::namespace(count)),
        _ => error,
    }
}

/// An identifier that was valid, or that somebody had from one who knew, leads nowhere only if the set was removed.
fn unknown(errno: Errno) -> Error {
    let error = Error::from_errno(STAT, errno);
    if errno == Errno::EINVAL { error.with_kind(ErrorKind::Removed) } else { error }
}

fn uninitialised(key: Key) -> Error {
    Error::new(SEMGET, ErrorKind::TimedOut).with_name(key.to_string()).with_hint(
        "the set has no values yet: its creator died before setting them (then remove it), or applies no operation after",
    )
}
