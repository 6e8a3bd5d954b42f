//! The handle and its operations.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;

use super::raw::{self, Raw};
use super::{Options, Permit};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::Mapping;
use crate::shm::posix::SharedMemory;
use crate::time::Deadline;

/// The most that a semaphore counts to: `SEM_VALUE_MAX` (sem_overview(7)).
const SEM_VALUE_MAX: u32 = i32::MAX as u32;

const SEM_WAIT: &str = "sem_wait";

/// A counter that processes wait on: with a name, or in shared memory of yours.
///
/// All methods take `&self`: threads and processes use it at once. Dropping the handle leaves the semaphore as it is.
#[derive(Debug)]
pub struct Semaphore {
    raw: Raw,
    name: Option<Arc<str>>,
    object: Option<SharedMemory>,
}

impl Semaphore {
    pub(super) fn named(raw: Raw, name: &str, object: SharedMemory) -> Self {
        Semaphore { raw, name: Some(name.into()), object: Some(object) }
    }

    /// `sem_open(3)` with `O_CREAT`: makes a semaphore with mode 0600, or takes the one that exists; see
    /// [`Options::create`].
    #[doc(alias = "sem_open")]
    pub fn create(name: &str, value: u32) -> Result<Semaphore> {
        Options::new().create(name, value)
    }

    /// `sem_open(3)` with `O_CREAT | O_EXCL`: makes a semaphore with mode 0600 and fails if the name exists; see
    /// [`Options::create_new`].
    #[doc(alias = "sem_open")]
    pub fn create_new(name: &str, value: u32) -> Result<Semaphore> {
        Options::new().create_new(name, value)
    }

    /// `sem_open(3)`: takes a semaphore that exists; see [`Options::open`].
    #[doc(alias = "sem_open")]
    pub fn open(name: &str) -> Result<Semaphore> {
        Options::new().open(name)
    }

    /// `sem_init(3)`: makes a semaphore without a name at `offset` in shared memory, a multiple of 8, where it takes
    /// [`SIZE`](super::SIZE) bytes.
    ///
    /// Once only, and before others are told of it: a semaphore that is in use loses its waiters.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the bytes are not within the mapping or not aligned,
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it is read-only, [`Overflow`](ErrorKind::Overflow) if the
    /// value is too large.
    #[doc(alias = "sem_init")]
    pub fn init_in(memory: &Arc<Mapping>, offset: usize, value: u32) -> Result<Semaphore> {
        let image = image("sem_init", value)?;
        let raw = Raw::init(memory, offset, &image).map_err(|e| e.with_operation("sem_init"))?;
        Ok(Semaphore { raw, name: None, object: None })
    }

    /// Takes the semaphore that somebody else has [made](Semaphore::init_in) at `offset` in shared memory.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if none was made there; the others of [`init_in`](Semaphore::init_in).
    pub fn find_in(memory: &Arc<Mapping>, offset: usize) -> Result<Semaphore> {
        let raw = Raw::find(memory, offset).map_err(|e| e.with_operation("find semaphore"))?;
        Ok(Semaphore { raw, name: None, object: None })
    }

    /// The name as it was given; `None` for a semaphore without.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// `sem_wait(3)`: takes one, waiting until there is one.
    ///
    /// # Errors
    ///
    /// None is known.
    #[doc(alias = "sem_wait")]
    #[inline]
    pub fn wait(&self) -> Result<()> {
        self.raw.wait().map_err(|e| self.failed(SEM_WAIT, e))
    }

    /// `sem_trywait(3)`: [`wait`](Semaphore::wait) that fails with [`WouldBlock`](ErrorKind::WouldBlock) instead of
    /// waiting.
    #[doc(alias = "sem_trywait")]
    #[inline]
    pub fn try_wait(&self) -> Result<()> {
        self.raw.try_wait().map_err(|e| self.failed("sem_trywait", e))
    }

    /// `sem_clockwait(3)`: [`wait`](Semaphore::wait) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is
    /// none within `timeout`.
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

    /// `sem_post(3)`: gives one, and wakes one of those who wait. May be called in a signal handler.
    ///
    /// # Errors
    ///
    /// [`Overflow`](ErrorKind::Overflow) at the largest value, 2147483647.
    #[doc(alias = "sem_post")]
    #[inline]
    pub fn post(&self) -> Result<()> {
        self.raw.post().map_err(|e| self.failed("sem_post", e))
    }

    /// `sem_getvalue(3)`: how many there are to take; 0 while somebody waits. Stale as soon as it is returned.
    #[doc(alias = "sem_getvalue")]
    pub fn value(&self) -> Result<u32> {
        self.raw.value().map_err(|e| self.failed("sem_getvalue", e))
    }

    /// [`wait`](Semaphore::wait) for a unit that is given back when the permit is dropped.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>> {
        self.wait().map(|()| Permit::new(self))
    }

    /// [`try_wait`](Semaphore::try_wait) likewise.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>> {
        self.try_wait().map(|()| Permit::new(self))
    }

    /// [`wait_timeout`](Semaphore::wait_timeout) likewise.
    #[inline]
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>> {
        self.wait_timeout(timeout).map(|()| Permit::new(self))
    }

    /// `sem_unlink(3)`: removes the name. Who has the semaphore goes on with it; the next process to open the name
    /// does not find it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if somebody was faster, [`Removed`](ErrorKind::Removed) if another object has
    /// the name by now, [`Invalid`](ErrorKind::Invalid) if it has no name.
    #[doc(alias = "sem_unlink")]
    pub fn remove(&self) -> Result<()> {
        const SEM_UNLINK: &str = "sem_unlink";
        match &self.object {
            Some(object) => {
                object.remove().map_err(|e| e.with_operation(SEM_UNLINK).with_object(self.name.as_ref()))
            }
            None => Err(Error::new(SEM_UNLINK, ErrorKind::Invalid).with_hint("it has no name")),
        }
    }

    /// Whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.object.as_ref().is_some_and(SharedMemory::removes_on_drop)
    }

    #[cold]
    fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        let error = Error::from_wait_errno(operation, errno).with_object(self.name.as_ref());
        if errno == Errno::EOVERFLOW { error.with_limit(Some(largest(None))) } else { error }
    }
}

/// The bytes of a new semaphore.
pub(super) fn image(operation: &'static str, value: u32) -> Result<[u8; raw::SIZE]> {
    raw::image(value).map_err(|e| {
        Error::from_errno(operation, e).with_kind(ErrorKind::Overflow).with_limit(Some(largest(Some(value))))
    })
}

fn largest(requested: Option<u32>) -> Limit {
    Limit { name: "SEM_VALUE_MAX", value: SEM_VALUE_MAX.into(), requested: requested.map(u64::from) }
}
