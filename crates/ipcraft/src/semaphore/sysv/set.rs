//! The set itself.

use std::sync::Arc;
use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;

use super::operation::Operation;
use super::{Options, Statistics, limits};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::pid::Pid;
use crate::sys::poll;
use crate::sys::{retry, sysv_sem};
use crate::sysv::{Key, RemoveOnDrop};
use crate::time::Deadline;

const SEMOP: &str = "semop";
const SEMTIMEDOP: &str = "semtimedop";

/// As many operations as the kernel takes at once unless told otherwise (`SEMOPM`); copies of so many need no
/// allocation.
const USUAL_SEMOPM: usize = 500;

/// A set of semaphores, from [`create`](SemaphoreSet::create) and its like.
///
/// Dropping the handle leaves the set, unless [`Options::remove_on_drop`] was asked for. All methods take `&self`:
/// threads and processes use it at once.
#[derive(Debug)]
pub struct SemaphoreSet {
    id: c_int,
    key: Key,
    count: usize,
    name: Arc<str>,
    removal: Option<RemoveOnDrop>,
}

impl SemaphoreSet {
    pub(super) fn new(id: c_int, key: Key, count: usize) -> Self {
        let name = if key.is_private() { format!("id {id}") } else { key.to_string() };
        SemaphoreSet { id, key, count, name: name.into(), removal: None }
    }

    /// Gives the new set its values, and then the sign that it has them: a first operation, which changes nothing.
    pub(super) fn initialise(&self, values: &[u16]) -> Result<()> {
        self.set_values(values)?;
        let sign: &[Operation] = match values.first() {
            Some(1..) => &[Operation::subtract(0, 1), Operation::add(0, 1)],
            _ => &[Operation::wait_zero(0)],
        };
        match self.try_apply(sign) {
            // Somebody who did not wait for the sign has been faster: then operations have been applied.
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(()),
            done => done,
        }
    }

    pub(super) fn remove_on_drop(&mut self, removal: RemoveOnDrop) {
        self.removal = Some(removal);
    }

    /// `semget(2)`: makes a set with mode 0600, or takes the one that exists; see [`Options::create`].
    #[doc(alias = "semget")]
    pub fn create(key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        Options::new().create(key, values)
    }

    /// `semget(2)`: makes a set with mode 0600 and fails if the key is taken; see [`Options::create_new`].
    #[doc(alias = "semget")]
    pub fn create_new(key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        Options::new().create_new(key, values)
    }

    /// `semget(2)`: takes a set that exists; see [`Options::open`].
    #[doc(alias = "semget")]
    pub fn open(key: Key) -> Result<SemaphoreSet> {
        Options::new().open(key)
    }

    /// Takes a set by its identifier; see [`Options::from_id`].
    pub fn from_id(id: i32) -> Result<SemaphoreSet> {
        Options::new().from_id(id)
    }

    /// The identifier, for [`from_id`](SemaphoreSet::from_id) in another process.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// The key; the [private](Key::PRIVATE) one for a set without.
    pub fn key(&self) -> Key {
        self.key
    }

    /// How many semaphores it has; that never changes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether dropping this handle removes the set.
    pub fn removes_on_drop(&self) -> bool {
        self.removal.as_ref().is_some_and(RemoveOnDrop::is_armed)
    }

    /// `semop(2)`: applies all operations as one, waiting until that is possible.
    ///
    /// Others see either none of them done or all. They are tried in order, so that one may rely on what an earlier
    /// one did.
    ///
    /// # Errors
    ///
    /// [`Removed`](ErrorKind::Removed), also while it waits; [`Overflow`](ErrorKind::Overflow), nothing is done then;
    /// [`Invalid`](ErrorKind::Invalid) for no operation, a semaphore that the set does not have, or an amount that is
    /// not 1 to 32767; [`LimitReached`](ErrorKind::LimitReached) for more than `SEMOPM` operations.
    #[doc(alias = "semop")]
    #[inline]
    pub fn apply(&self, operations: &[Operation]) -> Result<()> {
        let raw = Operation::as_raw(operations);
        retry(|| sysv_sem::apply(self.id, raw)).map_err(|e| self.failed(SEMOP, e, operations))
    }

    /// [`apply`](SemaphoreSet::apply) that fails with [`WouldBlock`](ErrorKind::WouldBlock) instead of waiting
    /// (`IPC_NOWAIT`).
    ///
    /// Copies the operations; more than 500, which the kernel refuses unless `SEMOPM` was raised, to the heap.
    #[doc(alias = "IPC_NOWAIT")]
    pub fn try_apply(&self, operations: &[Operation]) -> Result<()> {
        let mut room = [Operation::wait_zero(0); USUAL_SEMOPM];
        let mut heap;
        let copy = match room.get_mut(..operations.len()) {
            Some(copy) => copy,
            None => {
                heap = operations.to_vec();
                &mut heap[..]
            }
        };
        for (copy, operation) in copy.iter_mut().zip(operations) {
            *copy = operation.nowait();
        }
        self.apply(copy)
    }

    /// `semtimedop(2)`: [`apply`](SemaphoreSet::apply) that fails with [`TimedOut`](ErrorKind::TimedOut) if it is not
    /// possible within `timeout`; nothing is done then.
    #[doc(alias = "semtimedop")]
    #[inline]
    pub fn apply_timeout(&self, operations: &[Operation], timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);
        let raw = Operation::as_raw(operations);
        retry(|| sysv_sem::apply_timed(self.id, raw, deadline.remaining().map(poll::timespec))).map_err(|e| {
            match e {
                Errno::EAGAIN => self.failed(SEMTIMEDOP, Errno::ETIMEDOUT, operations),
                _ => self.failed(SEMTIMEDOP, e, operations),
            }
        })
    }

    /// `GETVAL`: the value of one semaphore; stale as soon as it is returned.
    #[doc(alias = "GETVAL")]
    pub fn value(&self, index: u16) -> Result<u16> {
        self.number("semctl(GETVAL)", libc::GETVAL, index).map(|value| value as u16)
    }

    /// `GETALL`: the values of all semaphores at one moment; stale as soon as they are returned.
    #[doc(alias = "GETALL")]
    pub fn values(&self) -> Result<Vec<u16>> {
        sysv_sem::values(self.id, self.count).map_err(|e| self.refused("semctl(GETALL)", e))
    }

    /// `SETVAL`: gives one semaphore a value, wakes who can proceed with it, and forgets every [undo](Operation::undo)
    /// for it, of all processes.
    ///
    /// # Errors
    ///
    /// [`Overflow`](ErrorKind::Overflow) above 32767.
    #[doc(alias = "SETVAL")]
    pub fn set_value(&self, index: u16, value: u16) -> Result<()> {
        self.check_index("semctl(SETVAL)", index)?;
        sysv_sem::set_value(self.id, index, value)
            .map_err(|e| self.refused("semctl(SETVAL)", e).with_limit(too_large(e, &[value])))
    }

    /// `SETALL`: gives every semaphore a value, as [`set_value`](SemaphoreSet::set_value) does one, all at one moment.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) unless there is one value for each semaphore; [`Overflow`](ErrorKind::Overflow)
    /// if one is above 32767.
    #[doc(alias = "SETALL")]
    pub fn set_values(&self, values: &[u16]) -> Result<()> {
        const SETALL: &str = "semctl(SETALL)";
        if values.len() != self.count {
            return Err(Error::new(SETALL, ErrorKind::Invalid)
                .with_object(Some(&self.name))
                .with_hint("there must be one value for each semaphore"));
        }
        sysv_sem::set_values(self.id, values)
            .map_err(|e| self.refused(SETALL, e).with_limit(too_large(e, values)))
    }

    /// `GETNCNT`: how many operations wait for this semaphore to grow; stale as soon as it is returned.
    #[doc(alias = "GETNCNT")]
    pub fn waiting_for_increase(&self, index: u16) -> Result<usize> {
        self.number("semctl(GETNCNT)", libc::GETNCNT, index).map(|count| count as usize)
    }

    /// `GETZCNT`: how many operations wait for this semaphore to be zero; stale as soon as it is returned.
    #[doc(alias = "GETZCNT")]
    pub fn waiting_for_zero(&self, index: u16) -> Result<usize> {
        self.number("semctl(GETZCNT)", libc::GETZCNT, index).map(|count| count as usize)
    }

    /// `GETPID`: the process that last applied an operation to this semaphore or set its value; it may have ended
    /// since.
    ///
    /// `None` if there was none, or none that has a number in this pid namespace.
    #[doc(alias = "GETPID")]
    pub fn last_pid(&self, index: u16) -> Result<Option<Pid>> {
        self.number("semctl(GETPID)", libc::GETPID, index).map(Pid::from_raw)
    }

    /// `IPC_STAT`: times, owner and mode.
    #[doc(alias = "IPC_STAT")]
    pub fn statistics(&self) -> Result<Statistics> {
        self.status().map(|status| Statistics::from(&status))
    }

    /// `IPC_SET`: changes the permission bits; for the owner, the creator and root.
    #[doc(alias = "IPC_SET")]
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        let mut status = self.status()?;
        status.sem_perm.mode = (mode & 0o777) as _;
        self.set_permissions(status)
    }

    /// `IPC_SET`: gives the set to another user and group; for the owner, the creator and root.
    #[doc(alias = "IPC_SET")]
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        let mut status = self.status()?;
        (status.sem_perm.uid, status.sem_perm.gid) = (uid, gid);
        self.set_permissions(status)
    }

    /// `IPC_RMID`: removes the set at once. Whoever waits for it gets [`Removed`](ErrorKind::Removed), and so does
    /// every later call.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) unless this user owns or created it;
    /// [`Removed`](ErrorKind::Removed) if somebody was faster.
    #[doc(alias = "IPC_RMID")]
    pub fn remove(&self) -> Result<()> {
        sysv_sem::remove(self.id).map_err(|e| self.refused("semctl(IPC_RMID)", e))?;
        if let Some(removal) = &self.removal {
            removal.cancel();
        }
        Ok(())
    }

    fn number(&self, operation: &'static str, command: c_int, index: u16) -> Result<c_int> {
        self.check_index(operation, index)?;
        sysv_sem::number(self.id, index, command).map_err(|e| self.refused(operation, e))
    }

    fn status(&self) -> Result<libc::semid_ds> {
        sysv_sem::status(self.id).map_err(|e| self.refused("semctl(IPC_STAT)", e))
    }

    fn set_permissions(&self, status: libc::semid_ds) -> Result<()> {
        sysv_sem::set_permissions(self.id, status).map_err(|e| self.refused("semctl(IPC_SET)", e))
    }

    /// The kernel says `EINVAL` for a bad index and for a set that is gone alike; this leaves the second.
    fn check_index(&self, operation: &'static str, index: u16) -> Result<()> {
        if usize::from(index) < self.count {
            return Ok(());
        }
        Err(self.no_such(Error::new(operation, ErrorKind::Invalid), index))
    }

    fn no_such(&self, error: Error, index: u16) -> Error {
        let limit = Limit {
            name: "the size of the set",
            value: self.count as u64,
            requested: Some(u64::from(index) + 1),
        };
        error.with_object(Some(&self.name)).with_kind(ErrorKind::Invalid).with_limit(Some(limit))
    }

    #[cold]
    fn refused(&self, operation: &'static str, errno: Errno) -> Error {
        let error = Error::from_errno(operation, errno).with_object(Some(&self.name));
        // All arguments have been checked, so it is the identifier that leads nowhere.
        if errno == Errno::EINVAL { error.with_kind(ErrorKind::Removed) } else { error }
    }

    #[cold]
    fn failed(&self, operation: &'static str, errno: Errno, operations: &[Operation]) -> Error {
        let error = Error::from_wait_errno(operation, errno).with_object(Some(&self.name));
        match errno {
            Errno::EINVAL if operations.is_empty() => error.with_hint("there is nothing to do"),
            Errno::EINVAL => error.with_kind(ErrorKind::Removed),
            Errno::EFBIG if operations.iter().any(Operation::is_impossible) => {
                error.with_kind(ErrorKind::Invalid).with_hint("an amount is 1 to 32767")
            }
            Errno::EFBIG => {
                let largest = operations.iter().map(Operation::index).max().unwrap_or_default();
                self.no_such(error, largest)
            }
            Errno::E2BIG => {
                error.with_kind(ErrorKind::LimitReached).with_limit(limits::operations(operations.len()))
            }
            Errno::ERANGE => error.with_limit(Some(limits::value(None))),
            _ => error,
        }
    }
}

fn too_large(errno: Errno, values: &[u16]) -> Option<Limit> {
    (errno == Errno::ERANGE).then(|| limits::value(values.iter().copied().max()))
}
