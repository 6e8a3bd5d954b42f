//! Creation and opening of a named semaphore.
//!
//! A named semaphore is a file in /dev/shm that holds exactly one `sem_t`, in every C library. So
//! this module builds on the shared memory objects of this library, with their checks and their
//! atomic creation.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::uio::pwrite;

use super::raw::{self, Raw};
use super::semaphore::{Semaphore, image};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::shm::posix::{Options as Memory, SharedMemory};
use crate::support::backoff::Backoff;
use crate::sys::retry;
use crate::time::Deadline;

const SEM_OPEN: &str = "sem_open";

/// Bytes that a name may have after its slash: `NAME_MAX` less the four bytes of `sem.`
/// (sem_overview(7)).
const LONGEST_NAME: usize = 251;

/// The advice for a file that another program made and did not finish.
pub(super) const HALF_MADE: &str = "remove it with Semaphore::unlink if its creator died";

/// Options for creating a named semaphore, and requirements on one that is opened.
///
/// ```
/// use ipcraft::{name, semaphore::posix};
///
/// let name = format!("/{}", name::unique("doc-options"));
/// let semaphore = posix::Options::new().mode(0o660).remove_on_drop(true).create_new(&name, 3)?;
/// assert_eq!(semaphore.value()?, 3);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    memory: Memory,
}

impl Options {
    /// Default options: mode 0600, owned by the effective user, not removed on drop.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permission bits of a new semaphore, such as `0o660`, less the umask. An existing
    /// semaphore with further bits is rejected. Every use needs permission to read and write.
    pub fn mode(mut self, mode: u32) -> Self {
        self.memory = self.memory.mode(mode);
        self
    }

    /// Removes the name when the handle is dropped, provided that this call created the semaphore,
    /// in the creating process, and while the name still names that semaphore.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.memory = self.memory.remove_on_drop(yes);
        self
    }

    /// Sets the required owner of an existing semaphore. Default: the effective user.
    pub fn owner(mut self, uid: u32) -> Self {
        self.memory = self.memory.owner(uid);
        self
    }

    /// `sem_open(3)` with `O_CREAT`: opens the semaphore, or creates it with this value. An
    /// existing semaphore keeps its value.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the name belongs to something else; others as in the
    /// [module's table](super#errors).
    #[doc(alias = "sem_open")]
    pub fn create(&self, name: &str, value: u32) -> Result<Semaphore> {
        let image = image(SEM_OPEN, value).map_err(|e| e.with_name(name))?;
        attach(name, |file| self.memory.create_filled(file, raw::SIZE, |fd| write(fd, &image)))
    }

    /// `sem_open(3)` with `O_CREAT | O_EXCL`: creates a semaphore with this value; exactly one of
    /// several racing processes succeeds.
    ///
    /// The name appears when the semaphore has its value. A creator that dies earlier leaves
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the name is taken; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "sem_open")]
    pub fn create_new(&self, name: &str, value: u32) -> Result<Semaphore> {
        let image = image(SEM_OPEN, value).map_err(|e| e.with_name(name))?;
        attach(name, |file| self.memory.create_new_filled(file, raw::SIZE, |fd| write(fd, &image)))
    }

    /// `sem_open(3)`: opens an existing semaphore, after checking the file.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no semaphore has the name;
    /// * [`WrongType`](ErrorKind::WrongType) or [`PermissionDenied`](ErrorKind::PermissionDenied)
    ///   if a check fails;
    /// * others as in the [module's table](super#errors).
    #[doc(alias = "sem_open")]
    pub fn open(&self, name: &str) -> Result<Semaphore> {
        attach(name, |file| self.memory.open(file))
    }

    /// [`open`](Options::open) that waits until the name exists and its file holds a semaphore, and
    /// fails with the last error after `timeout`.
    ///
    /// C libraries make name and contents visible together. A program that makes the file by itself
    /// does so in several steps. The kernel offers no notification, so this polls at growing
    /// intervals of at most 5 ms.
    ///
    /// # Errors
    ///
    /// * [`TimedOut`](ErrorKind::TimedOut) if no semaphore has the name;
    /// * others as for [`open`](Options::open).
    pub fn open_timeout(&self, name: &str, timeout: Duration) -> Result<Semaphore> {
        let (deadline, mut backoff) = (Deadline::after(timeout), Backoff::new());
        loop {
            match self.open(name) {
                Err(e) if is_unfinished(&e) && backoff.sleep(deadline) => {}
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    return Err(Error::from_errno(SEM_OPEN, Errno::ETIMEDOUT).with_name(name));
                }
                opened => return opened,
            }
        }
    }
}

/// Whether the file of a semaphore is missing, or not yet what it can become.
fn is_unfinished(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound || is_half_made(error)
}

/// Whether a regular file is too short for a semaphore, or holds none: the kernel refused nothing.
fn is_half_made(error: &Error) -> bool {
    error.kind() == ErrorKind::WrongType && error.errno().is_none()
}

/// Opens or creates the file of a semaphore, and attaches to the semaphore in it.
fn attach(name: &str, open: impl FnOnce(&str) -> Result<SharedMemory>) -> Result<Semaphore> {
    with_file(SEM_OPEN, name, |file| attach_to(name, open(file)?)).map_err(|e| match e.limit() {
        Some(_) if is_half_made(&e) => e.with_hint(HALF_MADE),
        _ => e,
    })
}

/// Calls `action` with the name of the object that holds this semaphore.
pub(super) fn with_file<R>(
    operation: &'static str,
    name: &str,
    action: impl FnOnce(&str) -> Result<R>,
) -> Result<R> {
    name::posix(operation, name, LONGEST_NAME)?;
    action(&format!("/sem.{}", &name[1..])).map_err(|e| e.with_operation(operation).with_name(name))
}

fn attach_to(name: &str, object: SharedMemory) -> Result<Semaphore> {
    // An access beyond the end of the file would raise SIGBUS.
    check_size(object.size()?)?;
    let raw = Raw::find(&Arc::new(object.map()?), 0).map_err(|e| match e.kind() {
        ErrorKind::WrongType => e.with_hint(HALF_MADE),
        _ => e,
    })?;
    Ok(Semaphore::named(raw, name, object))
}

fn check_size(size: usize) -> Result<()> {
    if size >= raw::SIZE {
        return Ok(());
    }
    let limit = Limit { name: "its size", value: size as u64, requested: Some(raw::SIZE as u64) };
    Err(Error::new(SEM_OPEN, ErrorKind::WrongType).with_limit(Some(limit)))
}

fn write(fd: BorrowedFd<'_>, image: &[u8]) -> Result<()> {
    match retry(|| pwrite(fd, image, 0)) {
        Ok(written) if written == image.len() => Ok(()),
        Ok(_) => Err(Error::from_errno(SEM_OPEN, Errno::ENOSPC)),
        Err(errno) => Err(Error::from_errno(SEM_OPEN, errno)),
    }
}
