//! The semaphore and its operations.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::raw::{self, Raw};
use super::{Options, Permit, options};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::Mapping;
use crate::shm::posix::SharedMemory;
use crate::time::Deadline;

/// The maximum value of a semaphore (sem_overview(7)).
const SEM_VALUE_MAX: u32 = i32::MAX as u32;

const SEM_UNLINK: &str = "sem_unlink";
const SEM_WAIT: &str = "sem_wait";

/// A counter that processes wait on: named, or in shared memory of the caller.
///
/// All methods take `&self`: threads and processes may use it concurrently. Dropping the handle
/// does not change the semaphore.
#[derive(Debug)]
pub struct Semaphore {
    raw: Raw,
    name: Option<Box<OsStr>>,
    /// The name in error messages.
    shown: Option<Arc<str>>,
    object: Option<SharedMemory>,
}

impl Semaphore {
    pub(super) fn named(raw: Raw, name: &OsStr, object: SharedMemory) -> Self {
        let shown = options::shown(name).into();
        Semaphore { raw, name: Some(name.into()), shown: Some(shown), object: Some(object) }
    }

    /// `sem_open(3)` with `O_CREAT`: opens the semaphore, or creates it with mode 0600; see
    /// [`Options::create`].
    #[doc(alias = "sem_open")]
    pub fn create(name: impl AsRef<OsStr>, value: u32) -> Result<Semaphore> {
        Options::new().create(name, value)
    }

    /// `sem_open(3)` with `O_CREAT | O_EXCL`: creates a semaphore with mode 0600, and fails if the
    /// name exists; see [`Options::create_new`].
    #[doc(alias = "sem_open")]
    pub fn create_new(name: impl AsRef<OsStr>, value: u32) -> Result<Semaphore> {
        Options::new().create_new(name, value)
    }

    /// `sem_open(3)`: opens an existing semaphore; see [`Options::open`].
    #[doc(alias = "sem_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<Semaphore> {
        Options::new().open(name)
    }

    /// `sem_init(3)`: initializes an unnamed semaphore of [`SIZE`](super::SIZE) bytes in shared
    /// memory. The offset must be a multiple of 8.
    ///
    /// Call it once, before other processes use the semaphore: initialising it again loses its
    /// waiters.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) if the bytes are not within the mapping, or misaligned;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if the mapping is read-only;
    /// * [`Overflow`](ErrorKind::Overflow) if the value is too large.
    #[doc(alias = "sem_init")]
    pub fn init_in(memory: &Arc<Mapping>, offset: usize, value: u32) -> Result<Semaphore> {
        let image = image("sem_init", value)?;
        let raw = Raw::init(memory, offset, &image).map_err(|e| e.with_operation("sem_init"))?;
        Ok(Semaphore { raw, name: None, shown: None, object: None })
    }

    /// Attaches to the semaphore that another process has [initialized](Semaphore::init_in) at
    /// `offset`.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if there is none; others as for
    /// [`init_in`](Semaphore::init_in).
    pub fn find_in(memory: &Arc<Mapping>, offset: usize) -> Result<Semaphore> {
        let raw = Raw::find(memory, offset).map_err(|e| e.with_operation("find semaphore"))?;
        Ok(Semaphore { raw, name: None, shown: None, object: None })
    }

    /// Returns the name that it was opened by; `None` for an unnamed semaphore.
    pub fn name(&self) -> Option<&OsStr> {
        self.name.as_deref()
    }

    /// `sem_wait(3)`: decrements the value, blocking while it is 0.
    ///
    /// # Errors
    ///
    /// None is known.
    #[doc(alias = "sem_wait")]
    #[inline]
    pub fn wait(&self) -> Result<()> {
        self.raw.wait().map_err(|e| self.failed(SEM_WAIT, e))
    }

    /// `sem_trywait(3)`: [`wait`](Semaphore::wait) that fails with
    /// [`WouldBlock`](ErrorKind::WouldBlock) instead of blocking.
    #[doc(alias = "sem_trywait")]
    #[inline]
    pub fn try_wait(&self) -> Result<()> {
        self.raw.try_wait().map_err(|e| self.failed("sem_trywait", e))
    }

    /// `sem_clockwait(3)`: [`wait`](Semaphore::wait) that fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if the value stays 0 for `timeout`.
    #[doc(alias = "sem_clockwait")]
    #[doc(alias = "sem_timedwait")]
    #[inline]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        match self.raw.try_wait() {
            Err(Errno::EAGAIN) => self.wait_until(Deadline::after(timeout)),
            taken => taken.map_err(|e| self.failed(SEM_WAIT, e)),
        }
    }

    fn wait_until(&self, deadline: Deadline) -> Result<()> {
        self.raw.wait_until(deadline).map_err(|e| self.failed("sem_clockwait", e))
    }

    /// `sem_post(3)`: increments the value and wakes one waiter. Async-signal-safe.
    ///
    /// # Errors
    ///
    /// [`Overflow`](ErrorKind::Overflow) at the maximum value, 2147483647.
    #[doc(alias = "sem_post")]
    #[inline]
    pub fn post(&self) -> Result<()> {
        self.raw.post().map_err(|e| self.failed("sem_post", e))
    }

    /// `sem_getvalue(3)`: returns the value, which is 0 while a process waits. Possibly stale.
    #[doc(alias = "sem_getvalue")]
    pub fn value(&self) -> Result<u32> {
        self.raw.value().map_err(|e| self.failed("sem_getvalue", e))
    }

    /// [`wait`](Semaphore::wait) for a unit that is posted when the permit is dropped.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>> {
        self.wait().map(|()| Permit::new(self))
    }

    /// [`try_wait`](Semaphore::try_wait) for a unit that is posted when the permit is dropped.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>> {
        self.try_wait().map(|()| Permit::new(self))
    }

    /// [`wait_timeout`](Semaphore::wait_timeout) for a unit that is posted when the permit is
    /// dropped.
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>> {
        self.wait_timeout(timeout).map(|()| Permit::new(self))
    }

    /// `sem_unlink(3)`: removes the name, if it still names this semaphore.
    ///
    /// The semaphore lives on for processes that have it open. The handle stays usable.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if the name was already removed;
    /// * [`Removed`](ErrorKind::Removed) if it was removed and now names another object;
    /// * [`Invalid`](ErrorKind::Invalid) if the semaphore is unnamed.
    #[doc(alias = "sem_unlink")]
    pub fn remove(&self) -> Result<()> {
        match &self.object {
            Some(object) => {
                object.remove().map_err(|e| e.with_operation(SEM_UNLINK).with_object(self.shown.as_ref()))
            }
            None => Err(Error::new(SEM_UNLINK, ErrorKind::Invalid).with_hint("remove named semaphores only")),
        }
    }

    /// `sem_unlink(3)`: removes a name, whichever semaphore it names, even if it cannot be opened.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no semaphore has this name;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if another user owns it;
    /// * [`InvalidName`](ErrorKind::InvalidName) if no semaphore can have this name.
    #[doc(alias = "sem_unlink")]
    pub fn unlink(name: impl AsRef<OsStr>) -> Result<()> {
        options::with_file(SEM_UNLINK, name.as_ref(), |file| SharedMemory::unlink(file))
    }

    /// Returns whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.object.as_ref().is_some_and(SharedMemory::removes_on_drop)
    }

    #[cold]
    fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        let error = Error::from_wait_errno(operation, errno).with_object(self.shown.as_ref());
        if errno == Errno::EOVERFLOW { error.with_limit(Some(value_limit(None))) } else { error }
    }
}

/// Returns the bytes of a new semaphore.
pub(super) fn image(operation: &'static str, value: u32) -> Result<[u8; raw::SIZE]> {
    raw::image(value).map_err(|e| {
        Error::from_errno(operation, e)
            .with_kind(ErrorKind::Overflow)
            .with_limit(Some(value_limit(Some(value))))
    })
}

fn value_limit(requested: Option<u32>) -> Limit {
    Limit { name: "SEM_VALUE_MAX", value: SEM_VALUE_MAX.into(), requested: requested.map(u64::from) }
}
