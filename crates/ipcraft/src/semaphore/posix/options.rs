//! Creation and opening of a named semaphore.
//!
//! A named semaphore is a file in /dev/shm that holds exactly one `sem_t`, in every C library. So
//! this module builds on the shared memory objects of this library, with their checks and their
//! atomic creation.

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::uio::pwrite;

use super::raw::{self, Raw};
use super::semaphore::{Semaphore, image};
use crate::error::{Error, ErrorKind, Result};
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
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    memory: Memory,
}

impl Default for Options {
    fn default() -> Self {
        Options { memory: Memory::new().min_size(raw::SIZE) }
    }
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

    /// Sets the permission bits as [`mode`](Options::mode) does, and the umask takes none away.
    ///
    /// The semaphore has them before its name appears.
    pub fn exact_mode(mut self, mode: u32) -> Self {
        self.memory = self.memory.exact_mode(mode);
        self
    }

    /// Accepts an existing semaphore with any permission bits.
    ///
    /// Every user that may write to it can break the semaphore and shrink its file.
    pub fn any_mode(mut self) -> Self {
        self.memory = self.memory.any_mode();
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

    /// Accepts an existing semaphore of any owner, whose processes can break the semaphore and
    /// shrink its file.
    pub fn any_owner(mut self) -> Self {
        self.memory = self.memory.any_owner();
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
    pub fn create(&self, name: impl AsRef<OsStr>, value: u32) -> Result<Semaphore> {
        let name = name.as_ref();
        let image = image(SEM_OPEN, value).map_err(|e| e.with_name(shown(name)))?;
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
    pub fn create_new(&self, name: impl AsRef<OsStr>, value: u32) -> Result<Semaphore> {
        let name = name.as_ref();
        let image = image(SEM_OPEN, value).map_err(|e| e.with_name(shown(name)))?;
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
    pub fn open(&self, name: impl AsRef<OsStr>) -> Result<Semaphore> {
        attach(name.as_ref(), |file| self.memory.open(file))
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
    pub fn open_timeout(&self, name: impl AsRef<OsStr>, timeout: Duration) -> Result<Semaphore> {
        let name = name.as_ref();
        let (deadline, mut backoff) = (Deadline::after(timeout), Backoff::new());
        loop {
            match self.open(name) {
                Err(e) if is_unfinished(&e) && backoff.sleep(deadline) => {}
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    return Err(Error::from_errno(SEM_OPEN, Errno::ETIMEDOUT).with_name(shown(name)));
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
fn attach(name: &OsStr, open: impl FnOnce(&OsStr) -> Result<SharedMemory>) -> Result<Semaphore> {
    with_file(SEM_OPEN, name, |file| attach_to(name, open(file)?)).map_err(|e| match e.limit() {
        Some(_) if is_half_made(&e) => e.with_hint(HALF_MADE),
        _ => e,
    })
}

/// Calls `action` with the name of the object that holds this semaphore.
pub(super) fn with_file<R>(
    operation: &'static str,
    name: &OsStr,
    action: impl FnOnce(&OsStr) -> Result<R>,
) -> Result<R> {
    let checked = name::posix(operation, name, LONGEST_NAME)?;
    let file = [b"/sem.", &checked.as_bytes()[1..]].concat();
    action(OsStr::from_bytes(&file)).map_err(|e| e.with_operation(operation).with_name(shown(name)))
}

/// A name in errors.
pub(super) fn shown(name: &OsStr) -> String {
    name::display(Path::new(name))
}

fn attach_to(name: &OsStr, object: SharedMemory) -> Result<Semaphore> {
    // The file has the size of a semaphore at least: an access beyond its end would raise SIGBUS.
    let raw = Raw::find(&Arc::new(object.map()?), 0).map_err(|e| match e.kind() {
        ErrorKind::WrongType => e.with_hint(HALF_MADE),
        _ => e,
    })?;
    Ok(Semaphore::named(raw, name, object))
}

fn write(fd: BorrowedFd<'_>, image: &[u8]) -> Result<()> {
    match retry(|| pwrite(fd, image, 0)) {
        Ok(written) if written == image.len() => Ok(()),
        Ok(_) => Err(Error::from_errno(SEM_OPEN, Errno::ENOSPC)),
        Err(errno) => Err(Error::from_errno(SEM_OPEN, errno)),
    }
}
