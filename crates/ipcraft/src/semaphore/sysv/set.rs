//! The set: operations, values, statistics and removal.

use std::sync::Arc;
use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;

use super::operation::Operation;
use super::{Options, limits};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::pid::Pid;
use crate::support::limits::memory_left;
use crate::sys::{poll, retry, sysv_sem};
use crate::sysv::{Key, Object, advise};
use crate::time::Deadline;

const SEMOP: &str = "semop";
const SEMTIMEDOP: &str = "semtimedop";

/// The kernel's default limit on the operations of one call (`SEMOPM`). Copies up to this length
/// need no allocation.
const DEFAULT_SEMOPM: usize = 500;

/// A set of semaphores.
///
/// Holds only the identifier. All methods take `&self`: threads and processes may use the set
/// concurrently. Dropping the handle leaves the set, unless [`Options::remove_on_drop`] was set.
#[derive(Debug)]
pub struct SemaphoreSet {
    object: Object,
    key: Key,
    count: usize,
    pub(super) name: Arc<str>,
}

impl SemaphoreSet {
    pub(super) fn new(object: Object, key: Key, count: usize) -> Self {
        let name = if key.is_private() { format!("id {}", object.id()) } else { key.to_string() };
        SemaphoreSet { object, key, count, name: name.into() }
    }

    /// Leaves the set when the handle is dropped.
    pub(super) fn keep(&mut self) {
        self.object.keep();
    }

    /// `semget(2)`: opens the set of this key, or creates it with mode 0600; see
    /// [`Options::create`].
    #[doc(alias = "semget")]
    pub fn create(key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        Options::new().create(key, values)
    }

    /// `semget(2)`: creates a set with mode 0600, and fails if the key is taken; see
    /// [`Options::create_new`].
    #[doc(alias = "semget")]
    pub fn create_new(key: Key, values: &[u16]) -> Result<SemaphoreSet> {
        Options::new().create_new(key, values)
    }

    /// `semget(2)`: opens an existing set; see [`Options::open`].
    #[doc(alias = "semget")]
    pub fn open(key: Key) -> Result<SemaphoreSet> {
        Options::new().open(key)
    }

    /// `semctl(2)` with `IPC_STAT`: opens the set with this identifier; see [`Options::from_id`].
    pub fn from_id(id: i32) -> Result<SemaphoreSet> {
        Options::new().from_id(id)
    }

    /// Returns the identifier, valid in every process of this IPC namespace.
    #[inline]
    pub fn id(&self) -> i32 {
        self.object.id()
    }

    /// Returns the key; [`Key::PRIVATE`] for a private set.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Returns the number of semaphores, which never changes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns whether dropping this handle removes the set.
    pub fn removes_on_drop(&self) -> bool {
        self.object.removes_on_drop()
    }

    /// `semop(2)`: applies all operations atomically, blocking until that is possible.
    ///
    /// The kernel evaluates them in order, so an operation may rely on an earlier one of the same
    /// call.
    ///
    /// # Errors
    ///
    /// * [`Removed`](ErrorKind::Removed) if the set is gone, or removed while the call blocks;
    /// * [`Overflow`](ErrorKind::Overflow) if a value would exceed its maximum; nothing changed;
    /// * [`Invalid`](ErrorKind::Invalid) for an empty array, a semaphore that the set does not
    ///   have, or an amount that is not 1 to 32767;
    /// * [`LimitReached`](ErrorKind::LimitReached) for more than `SEMOPM` operations.
    #[doc(alias = "semop")]
    #[inline]
    pub fn apply(&self, operations: &[Operation]) -> Result<()> {
        let raw = Operation::as_raw(operations);
        retry(|| sysv_sem::apply(self.id(), raw)).map_err(|e| self.apply_error(SEMOP, e, operations))
    }

    /// [`apply`](SemaphoreSet::apply) that fails with [`WouldBlock`](ErrorKind::WouldBlock) instead
    /// of blocking (`IPC_NOWAIT`).
    ///
    /// Copies the operations on the stack. More than 500, which the kernel rejects unless `SEMOPM`
    /// was raised, are copied on the heap.
    #[doc(alias = "IPC_NOWAIT")]
    pub fn try_apply(&self, operations: &[Operation]) -> Result<()> {
        let mut stack = [Operation::wait_zero(0); DEFAULT_SEMOPM];
        let mut heap;
        let copy = match stack.get_mut(..operations.len()) {
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

    /// `semtimedop(2)`: [`apply`](SemaphoreSet::apply) that fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if it is not possible within `timeout`; nothing changed.
    #[doc(alias = "semtimedop")]
    #[inline]
    pub fn apply_timeout(&self, operations: &[Operation], timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);
        let raw = Operation::as_raw(operations);
        apply_until(deadline, || {
            sysv_sem::apply_timed(self.id(), raw, deadline.remaining().map(poll::timespec))
        })
        .map_err(|e| self.apply_error(SEMTIMEDOP, e, operations))
    }

    /// `GETVAL`: returns the value of one semaphore; possibly stale.
    #[doc(alias = "GETVAL")]
    pub fn value(&self, index: u16) -> Result<u16> {
        self.number("semctl(GETVAL)", libc::GETVAL, index).map(|value| value as u16)
    }

    /// `GETALL`: returns a consistent snapshot of all values; possibly stale.
    #[doc(alias = "GETALL")]
    pub fn values(&self) -> Result<Vec<u16>> {
        sysv_sem::values(self.id(), self.count).map_err(|e| self.control_error("semctl(GETALL)", e))
    }

    /// `SETVAL`: sets the value of one semaphore, wakes waiters that can proceed, and discards its
    /// [undo](Operation::undo) records of all processes.
    ///
    /// # Errors
    ///
    /// [`Overflow`](ErrorKind::Overflow) above 32767.
    #[doc(alias = "SETVAL")]
    pub fn set_value(&self, index: u16, value: u16) -> Result<()> {
        self.check_index("semctl(SETVAL)", index)?;
        sysv_sem::set_value(self.id(), index, value)
            .map_err(|e| self.control_error("semctl(SETVAL)", e).with_limit(too_large(e, &[value])))
    }

    /// `SETALL`: sets the values of all semaphores atomically, like
    /// [`set_value`](SemaphoreSet::set_value).
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) unless there is one value for each semaphore;
    /// * [`Overflow`](ErrorKind::Overflow) if one is above 32767.
    #[doc(alias = "SETALL")]
    pub fn set_values(&self, values: &[u16]) -> Result<()> {
        const SETALL: &str = "semctl(SETALL)";
        if values.len() != self.count {
            return Err(Error::new(SETALL, ErrorKind::Invalid)
                .with_object(Some(&self.name))
                .with_hint("pass one value for each semaphore"));
        }
        sysv_sem::set_values(self.id(), values)
            .map_err(|e| self.control_error(SETALL, e).with_limit(too_large(e, values)))
    }

    /// `GETNCNT`: returns the number of waiters for an increase of this semaphore; possibly stale.
    #[doc(alias = "GETNCNT")]
    pub fn waiting_for_increase(&self, index: u16) -> Result<usize> {
        self.number("semctl(GETNCNT)", libc::GETNCNT, index).map(|count| count as usize)
    }

    /// `GETZCNT`: returns the number of waiters for zero; possibly stale.
    #[doc(alias = "GETZCNT")]
    pub fn waiting_for_zero(&self, index: u16) -> Result<usize> {
        self.number("semctl(GETZCNT)", libc::GETZCNT, index).map(|count| count as usize)
    }

    /// `GETPID`: returns the process that last applied an operation to this semaphore or set its
    /// value. It may have exited.
    ///
    /// Returns `None` if there was none, or if it has no id in this pid namespace.
    #[doc(alias = "GETPID")]
    pub fn last_pid(&self, index: u16) -> Result<Option<Pid>> {
        self.number("semctl(GETPID)", libc::GETPID, index).map(Pid::from_raw)
    }

    /// `IPC_RMID`: removes the set. Blocked and later calls of every process fail with
    /// [`Removed`](ErrorKind::Removed).
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) unless the caller is owner or creator.
    ///   The handle stays usable;
    /// * [`Removed`](ErrorKind::Removed) if it was already removed.
    #[doc(alias = "IPC_RMID")]
    pub fn remove(&self) -> Result<()> {
        self.object.remove().map_err(|e| self.control_error("semctl(IPC_RMID)", e))
    }

    fn number(&self, operation: &'static str, command: c_int, index: u16) -> Result<c_int> {
        self.check_index(operation, index)?;
        sysv_sem::number(self.id(), index, command).map_err(|e| self.control_error(operation, e))
    }

    /// Rejects a bad index, so that `EINVAL` of the kernel means a removed set.
    fn check_index(&self, operation: &'static str, index: u16) -> Result<()> {
        if usize::from(index) < self.count {
            return Ok(());
        }
        Err(self.no_such_semaphore(Error::new(operation, ErrorKind::Invalid), index))
    }

    fn no_such_semaphore(&self, error: Error, index: u16) -> Error {
        let limit = Limit {
            name: "the size of the set",
            value: self.count as u64,
            requested: Some(u64::from(index) + 1),
        };
        error.with_object(Some(&self.name)).with_kind(ErrorKind::Invalid).with_limit(Some(limit))
    }

    #[cold]
    pub(super) fn control_error(&self, operation: &'static str, errno: Errno) -> Error {
        let error = advise(Error::from_errno(operation, errno).with_object(Some(&self.name)), errno);
        // The other arguments were checked, so the identifier is invalid.
        if errno == Errno::EINVAL { error.with_kind(ErrorKind::Removed) } else { error }
    }

    #[cold]
    fn apply_error(&self, operation: &'static str, errno: Errno, operations: &[Operation]) -> Error {
        let error = advise(Error::from_wait_errno(operation, errno).with_object(Some(&self.name)), errno);
        match errno {
            Errno::EINVAL if operations.is_empty() => error.with_hint("pass at least one operation"),
            Errno::EINVAL => error.with_kind(ErrorKind::Removed),
            Errno::EFBIG if operations.iter().any(Operation::is_impossible) => {
                error.with_kind(ErrorKind::Invalid).with_hint("use an amount of 1 to 32767")
            }
            Errno::EFBIG => {
                let largest = operations.iter().map(Operation::index).max().unwrap_or_default();
                self.no_such_semaphore(error, largest)
            }
            Errno::E2BIG => error
                .with_kind(ErrorKind::LimitReached)
                .with_limit(limits::operations(operations.len()))
                .with_hint("apply fewer at a time, or raise it in /proc/sys/kernel/sem"),
            Errno::ENOMEM => error.with_limit(memory_left()),
            Errno::ERANGE => error.with_limit(Some(limits::value(None))),
            _ => error,
        }
    }
}

/// Repeats `attempt`, which waits for the time that is left.
///
/// Before Linux 5.15 semtimedop(2) counts in ticks, anew after each signal, and then ends up to a
/// tick early.
#[inline]
fn apply_until(deadline: Deadline, mut attempt: impl FnMut() -> nix::Result<()>) -> nix::Result<()> {
    loop {
        match attempt() {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) if deadline.has_passed() => return Err(Errno::ETIMEDOUT),
            Err(Errno::EAGAIN) => {}
            other => return other,
        }
    }
}

fn too_large(errno: Errno, values: &[u16]) -> Option<Limit> {
    (errno == Errno::ERANGE).then(|| limits::value(values.iter().copied().max()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_that_ends_early_is_continued_until_the_deadline() {
        // A slow machine oversleeps, but not in the first attempt, which does not sleep.
        let deadline = Deadline::after(Duration::from_millis(200));
        let mut attempts = 0;
        let result = apply_until(deadline, || {
            attempts += 1;
            if attempts > 1 {
                std::thread::sleep(deadline.remaining().unwrap_or_default() * 9 / 10);
            }
            Err(if attempts % 2 == 0 { Errno::EINTR } else { Errno::EAGAIN })
        });
        assert_eq!(result, Err(Errno::ETIMEDOUT));
        assert!(deadline.has_passed() && attempts > 1, "{attempts}");
        assert_eq!(apply_until(deadline, || Ok(())), Ok(()), "possible without waiting");
        assert_eq!(apply_until(deadline, || Err(Errno::EIDRM)), Err(Errno::EIDRM));
    }
}
