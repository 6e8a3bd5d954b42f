//! Creation and opening of a set.

use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;

use super::control::status;
use super::initialization::Progress;
use super::limits;
use super::set::SemaphoreSet;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::support::backoff::Backoff;
use crate::support::create_or_open::create_or_open;
use crate::support::limits::{available_memory, check_memory};
use crate::sys::sysv_sem;
use crate::sysv::{Calls, Creation, Facts, Identity, Key, Object};
use crate::time::Deadline;

const SEMGET: &str = "semget";
const STAT: &str = "semctl(IPC_STAT)";

/// What setting and marking the values takes. The owner could grant it to itself.
const OWNER_RIGHTS: c_int = 0o600;

/// From this number of semaphores on, 64 KiB, the memory that a set takes is checked first: without
/// it, the kernel kills a process of the control group.
const LARGE_COUNT: usize = 1024;

/// Returns the bytes that the kernel takes for a set: a cache line per semaphore (Linux,
/// ipc/sem.c).
fn kernel_bytes(count: usize) -> usize {
    count.saturating_mul(64)
}

const CALLS: Calls =
    Calls { facts: |id| status(id).map(|status| Facts::from(&status.sem_perm)), remove: sysv_sem::remove };

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
    exact_count: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            creation: Creation::default(),
            wait_for_creator: Some(Duration::from_secs(1)),
            exact_count: false,
        }
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

    /// Sets how long opening waits until the set has its initial values; `None` does not wait, and
    /// accepts the set as it is.
    ///
    /// The criterion is that operations have been applied to the set, as
    /// [`create`](Options::create) does. Use `None` for the sets of programs that do not, such as C
    /// programs that only use `SETVAL`. After this time, [`create`](Options::create) takes the
    /// creator for dead and [`open`](Options::open) fails.
    pub fn wait_for_creator(mut self, timeout: Option<Duration>) -> Self {
        self.wait_for_creator = timeout;
        self
    }

    /// Demands that an existing set has exactly as many semaphores as there are values. By default
    /// it may have more.
    pub fn exact_count(mut self, yes: bool) -> Self {
        self.exact_count = yes;
        self
    }

    /// `semget(2)` with `IPC_CREAT`: opens the set of this key, or creates it with these values.
    ///
    /// An existing set keeps its values and may have [more semaphores](Options::exact_count). A set
    /// whose creator was killed before it set the values is replaced, after the time of
    /// [`wait_for_creator`](Options::wait_for_creator). A set that has values but no operation
    /// applied, as C programs make it, is accepted then.
    ///
    /// # Errors
    ///
    /// * [`WrongType`](ErrorKind::WrongType) if the existing set has fewer semaphores;
    /// * [`TimedOut`](ErrorKind::TimedOut) if only some semaphores of it have values, or a process
    ///   waits on a set without values, or the caller may not read or replace it;
    /// * others as in the [module's table](super#errors).
    pub fn create(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        create_or_open(|| self.create_new(key, values), || self.find_or_heal(key, values.len()))
    }

    /// `semget(2)` with `IPC_CREAT | IPC_EXCL`: creates a set with these values; exactly one of
    /// several racing processes succeeds.
    ///
    /// The owner has the rights to read and alter until the set is complete, also if the mode does
    /// not grant them.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if a set has the key;
    /// [`LimitReached`](crate::ErrorKind::LimitReached); others as in the [module's
    /// table](super#errors).
    pub fn create_new(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        loop {
            match self.create_once(key, values) {
                // Another process took this one for dead and removed the set, or removed it anyway.
                Err(e) if e.kind() == ErrorKind::Removed => {}
                created => return created,
            }
        }
    }

    fn create_once(&self, key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        let flags = self.creation.flags(SEMGET).map_err(|e| e.with_name(key.to_string()))?;
        if values.len() >= LARGE_COUNT {
            check_memory(SEMGET, kernel_bytes(values.len())).map_err(|e| e.with_name(key.to_string()))?;
        }
        let id = get(key, values.len(), flags | OWNER_RIGHTS)?;
        // If setting the values fails, the set is removed again, since no other process would set
        // them.
        let identity = match self.creation.remove_on_drop {
            true => Identity::made(id, key, &CALLS),
            false => Identity::found(id, Some(key), &CALLS),
        };
        let object = Object::removed_on_drop(identity);
        let mut set = SemaphoreSet::new(object, key, values.len());
        set.initialize(values)?;
        if flags & OWNER_RIGHTS != OWNER_RIGHTS {
            set.set_mode(self.creation.mode)?;
        }
        if !self.creation.remove_on_drop {
            set.keep();
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
        if key.is_private() {
            return Err(Error::new(SEMGET, ErrorKind::Invalid)
                .with_name(key.to_string())
                .with_hint("open a private set by its identifier"));
        }
        self.attach(get(key, 0, 0)?, key)?.map_err(|half_made| uninitialized(&half_made))
    }

    /// `semctl(2)` with `IPC_STAT`: opens the set with this identifier, which another process
    /// passed on. A [private](Key::PRIVATE) set can be opened in no other way. Needs no right: each
    /// later call asks for its own.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if there is none;
    /// * [`TimedOut`](ErrorKind::TimedOut) as for [`open`](Options::open);
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) without the right to read, before Linux
    ///   4.17.
    pub fn from_id(&self, id: i32) -> Result<SemaphoreSet> {
        let status =
            status(id).map_err(|e| status_error(e, ErrorKind::NotFound).with_name(format!("id {id}")))?;
        self.attach(id, Key::new(status.sem_perm.__key))?.map_err(|half_made| uninitialized(&half_made))
    }

    /// Opens the set of this key for `create`, which passes the number of values.
    fn find_or_heal(&self, key: Key, count: usize) -> Result<SemaphoreSet> {
        let set = self.attach(get(key, count, 0)?, key)?.or_else(heal)?;
        if self.exact_count && set.count() != count {
            let error = Error::new(SEMGET, ErrorKind::WrongType).with_name(key.to_string());
            return Err(
                other_count(error, set.count(), count).with_hint("pass as many values, or use another key")
            );
        }
        Ok(set)
    }

    /// Waits until the creator has applied an operation, which it does after setting the values.
    /// Returns `Err` with the set if it does not in time.
    fn attach(&self, id: c_int, key: Key) -> Result<Result<SemaphoreSet, SemaphoreSet>> {
        let deadline = Deadline::after(self.wait_for_creator.unwrap_or(Duration::ZERO));
        let mut backoff = Backoff::new();
        loop {
            let status =
                status(id).map_err(|e| status_error(e, ErrorKind::Removed).with_name(key.to_string()))?;
            let object = Object::kept(Identity::found(id, Some(key), &CALLS));
            let set = SemaphoreSet::new(object, key, status.sem_nsems as usize);
            if status.sem_otime != 0 || self.wait_for_creator.is_none() {
                return Ok(Ok(set));
            }
            if !backoff.sleep(deadline) {
                return Ok(Err(set));
            }
        }
    }
}

/// Completes a set whose creator was killed, or makes room for another one: `Removed`.
///
/// The values cannot be set here. Other processes may do the same at this moment, and the later one
/// would overwrite what the first one's users have changed since. The removal succeeds for one of
/// them, by an identifier that no later set has, and the creation succeeds for one, too.
fn heal(set: SemaphoreSet) -> Result<SemaphoreSet> {
    match set.progress() {
        Ok(Progress::Untouched) => match set.remove() {
            Ok(()) => Err(Error::new(SEMGET, ErrorKind::Removed).with_object(Some(&set.name))),
            Err(e) if e.kind() == ErrorKind::Removed => Err(e),
            Err(_) => Err(uninitialized(&set)),
        },
        Ok(Progress::ValuesSet) => match set.mark() {
            Err(e) if e.kind() == ErrorKind::Removed => Err(e),
            // Without the right to alter the set, its mark stays away and the values are there.
            _ => Ok(set),
        },
        Err(e) if e.kind() == ErrorKind::Removed => Err(e),
        Ok(Progress::Unclear) | Err(_) => Err(uninitialized(&set)),
    }
}

fn get(key: Key, count: usize, flags: c_int) -> Result<c_int> {
    let most = c_int::try_from(count).unwrap_or(c_int::MAX);
    sysv_sem::get(key.number(), most, flags)
        .map_err(|e| get_error(e, key, count, flags).with_name(key.to_string()))
}

fn get_error(errno: Errno, key: Key, count: usize, flags: c_int) -> Error {
    let error = Error::from_errno(SEMGET, errno);
    match errno {
        Errno::EINVAL if flags & libc::IPC_CREAT == 0 => {
            let found = sysv_sem::get(key.number(), 0, 0).and_then(status);
            // If it was removed meanwhile, creating it starts over.
            found.map_or_else(
                |e| status_error(e, ErrorKind::Removed),
                |found| {
                    other_count(error, found.sem_nsems as usize, count)
                        .with_hint("find out which program created it: keys collide")
                },
            )
        }
        Errno::EINVAL if count == 0 => error.with_hint("pass at least one value"),
        Errno::EINVAL => match limits::set_size(count) {
            None => error,
            limit => error
                .with_kind(ErrorKind::LimitReached)
                .with_limit(limit)
                .with_hint("use several sets, or raise it in /proc/sys/kernel/sem"),
        },
        Errno::ENOSPC => error
            .with_limit(limits::namespace(count))
            .with_hint("remove sets that `ipcs -s` shows, or raise the limit"),
        Errno::ENOMEM => error.with_limit(available_memory(kernel_bytes(count))),
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

fn uninitialized(set: &SemaphoreSet) -> Error {
    Error::new(SEMGET, ErrorKind::TimedOut)
        .with_object(Some(&set.name))
        .with_hint("create it again, or accept it with wait_for_creator(None)")
}

/// Adds the number of semaphores that was found instead of the wanted one.
fn other_count(error: Error, found: usize, wanted: usize) -> Error {
    let limit = Limit { name: "the size of the set", value: found as u64, requested: Some(wanted as u64) };
    error.with_kind(ErrorKind::WrongType).with_limit(Some(limit))
}
