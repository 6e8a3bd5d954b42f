//! Making or finding a semaphore with a name.
//!
//! Such a semaphore is a file in /dev/shm that holds a `sem_t` and nothing else, whoever made it: so it is shared
//! memory with a longer name, and this library's way with that (no half-made object, no planted one) serves here too.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::uio::pwrite;

use super::raw::{self, Raw};
use super::semaphore::{Semaphore, image};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::shm::posix::{Options as Memory, SharedMemory};
use crate::sys::retry;

const SEM_OPEN: &str = "sem_open";

/// The longest name without its slash: `NAME_MAX` less the four bytes of `sem.` (sem_overview(7)).
const LONGEST_NAME: usize = 251;

/// How to make a semaphore with a name, and what one that is opened has to be like.
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
    /// Mode 0600, this user's, never removed.
    pub fn new() -> Self {
        Options::default()
    }

    /// Permission bits of a semaphore that is created, such as `0o660`, less the umask; one that exists may have these
    /// and no others, or it is refused. Every use needs both reading and writing.
    pub fn mode(mut self, mode: u32) -> Self {
        self.memory = self.memory.mode(mode);
        self
    }

    /// Removes the name when the handle is dropped: if this call created it, in the process that did, and only while
    /// the name still leads to that same semaphore.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.memory = self.memory.remove_on_drop(yes);
        self
    }

    /// Whose a semaphore that exists has to be: the effective user's unless set.
    pub fn owner(mut self, uid: u32) -> Self {
        self.memory = self.memory.owner(uid);
        self
    }

    /// `sem_open(3)` with `O_CREAT`: makes a semaphore of this value, or takes the one that exists with the value that
    /// it has.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if something else has the name; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "sem_open")]
    pub fn create(&self, name: &str, value: u32) -> Result<Semaphore> {
        let image = image(SEM_OPEN, value).map_err(|e| e.with_name(name))?;
        take(name, |file| self.memory.create_filled(file, raw::SIZE, |fd| write(fd, &image)))
    }

    /// `sem_open(3)` with `O_CREAT | O_EXCL`: makes a semaphore of this value; exactly one of several racing processes
    /// succeeds.
    ///
    /// The name appears when the semaphore has its value, and a creator that dies half way leaves nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if anything has the name; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "sem_open")]
    pub fn create_new(&self, name: &str, value: u32) -> Result<Semaphore> {
        let image = image(SEM_OPEN, value).map_err(|e| e.with_name(name))?;
        take(name, |file| self.memory.create_new_filled(file, raw::SIZE, |fd| write(fd, &image)))
    }

    /// `sem_open(3)`: takes a semaphore that exists, if that is what the name leads to.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound); [`WrongType`](ErrorKind::WrongType) or
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if the check fails; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "sem_open")]
    pub fn open(&self, name: &str) -> Result<Semaphore> {
        take(name, |file| self.memory.open(file))
    }
}

/// Opens or makes the file of a semaphore of this name, and takes the semaphore in it.
fn take(name: &str, open: impl FnOnce(&str) -> Result<SharedMemory>) -> Result<Semaphore> {
    name::posix(SEM_OPEN, name, LONGEST_NAME)?;
    taken(name, open).map_err(|e| e.with_operation(SEM_OPEN).with_name(name))
}

fn taken(name: &str, open: impl FnOnce(&str) -> Result<SharedMemory>) -> Result<Semaphore> {
    let object = open(&format!("/sem.{}", &name[1..]))?;
    // An access beyond the end of the file would be SIGBUS.
    check_size(object.size()?)?;
    let raw = Raw::find(&Arc::new(object.map()?), 0)?;
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
