//! Making or finding an object, and what an opened one has to be like.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::directory::SHM_OPEN;
use super::open::Expected;
use super::{SharedMemory, directory, open};
use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::shm::Access;
use crate::support::backoff::Backoff;
use crate::support::fallocate;
use crate::support::unlink_guard::UnlinkGuard;
use crate::time::Deadline;

/// The longest name without its slash: `NAME_MAX` (shm_overview(7)).
const LONGEST_NAME: usize = 255;

/// How to make a shared memory object, and what one that is opened has to be like.
///
/// ```
/// use ipcraft::{name, shm::posix};
///
/// let name = format!("/{}", name::unique("doc-options"));
/// let memory = posix::Options::new().mode(0o640).remove_on_drop(true).create_new(&name, 4096)?;
/// assert_eq!(posix::Options::new().mode(0o640).open(&name)?.size()?, 4096);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    expected: Expected,
    access: Access,
    remove_on_drop: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            expected: Expected { mode: 0o600, owner: None },
            access: Access::ReadWrite,
            remove_on_drop: false,
        }
    }
}

impl Options {
    /// Mode 0600, this user's, for reading and writing, never removed.
    pub fn new() -> Self {
        Options::default()
    }

    /// Permission bits of an object that is created, such as `0o640`, less the umask; one that exists may have these
    /// and no others, or it is refused.
    pub fn mode(mut self, mode: u32) -> Self {
        self.expected.mode = mode & 0o777;
        self
    }

    /// Removes the name when the handle is dropped: if this call created it, in the process that did, and only while
    /// the name still leads to that same object.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.remove_on_drop = yes;
        self
    }

    /// Whose an object that exists has to be: the effective user's unless set.
    pub fn owner(mut self, uid: u32) -> Self {
        self.expected.owner = Some(uid);
        self
    }

    /// `O_RDONLY`: opens for reading only, which is all that some users of an object may be permitted. Creating is not
    /// concerned.
    #[doc(alias = "O_RDONLY")]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// `shm_open(3)`, `fallocate(2)`: makes an object of `size` bytes, all zero, or takes the one that exists, which
    /// may be larger.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if something else has the name, or an object that is smaller; others as in
    /// the [module's table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create(&self, name: &str, size: usize) -> Result<SharedMemory> {
        let memory = self.create_filled(name, size, |_| Ok(()))?;
        let found = memory.size()?;
        if found < size { Err(open::too_small(found, size).with_name(name)) } else { Ok(memory) }
    }

    /// `shm_open(3)` with `O_EXCL`, `fallocate(2)`: makes an object of `size` bytes, all zero; exactly one of several
    /// racing processes succeeds.
    ///
    /// The name appears when the object has its size, so that nobody finds a smaller one, and a creator that dies half
    /// way leaves nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if anything has the name; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create_new(&self, name: &str, size: usize) -> Result<SharedMemory> {
        self.create_new_filled(name, size, |_| Ok(()))
    }

    /// `shm_open(3)`: takes an object that exists, if it is a regular file of the right owner and mode and has a size.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound); [`WrongType`](ErrorKind::WrongType) or
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if the check fails; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn open(&self, name: &str) -> Result<SharedMemory> {
        let c_name = name::posix(SHM_OPEN, name, LONGEST_NAME)?;
        let fd = open::checked(&c_name, name, self.access, self.expected)?;
        Ok(SharedMemory::new(fd, name, None))
    }

    /// [`open`](Options::open) that waits for the name: fails with [`TimedOut`](ErrorKind::TimedOut) if nobody makes
    /// the object within `timeout`.
    ///
    /// Looks again at growing intervals of at most 5 ms, since the kernel does not tell.
    pub fn open_timeout(&self, name: &str, timeout: Duration) -> Result<SharedMemory> {
        let (deadline, mut backoff) = (Deadline::after(timeout), Backoff::new());
        loop {
            match self.find(name)? {
                Some(found) => return Ok(found),
                None if backoff.sleep(deadline) => {}
                None => return Err(Error::from_errno(SHM_OPEN, Errno::ETIMEDOUT).with_name(name)),
            }
        }
    }

    /// Makes an object whose contents `fill` has written before anybody can find it.
    pub(crate) fn create_new_filled(
        &self,
        name: &str,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<SharedMemory> {
        name::posix(SHM_OPEN, name, LONGEST_NAME)?;
        let fd = self.nameless(name, size, fill)?;
        let removal = self.publish(&fd, name)?;
        Ok(SharedMemory::new(fd, name, removal))
    }

    /// Takes the object that exists, or else makes one whose contents `fill` has written before anybody can find it.
    pub(crate) fn create_filled(
        &self,
        name: &str,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<SharedMemory> {
        if let Some(found) = self.find(name)? {
            return Ok(found);
        }
        let fd = self.nameless(name, size, fill)?;
        loop {
            match self.publish(&fd, name) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                published => return Ok(SharedMemory::new(fd, name, published?)),
            }
            // Not there after all: it was removed in this very moment, and the name is free again.
            if let Some(found) = self.find(name)? {
                return Ok(found);
            }
        }
    }

    fn find(&self, name: &str) -> Result<Option<SharedMemory>> {
        match self.open(name) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    fn nameless(
        &self,
        name: &str,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<OwnedFd> {
        let fd = directory::nameless_file(self.expected.mode).map_err(|e| e.with_name(name))?;
        fallocate::reserve(fd.as_fd(), size).map_err(|e| e.with_name(name))?;
        fill(fd.as_fd())?;
        Ok(fd)
    }

    fn publish(&self, fd: &OwnedFd, name: &str) -> Result<Option<UnlinkGuard>> {
        let path = directory::path(name);
        directory::give_name(fd.as_fd(), &path).map_err(|e| e.with_name(name))?;
        // Should the new name be gone again, there is nothing to remove.
        Ok(if self.remove_on_drop { UnlinkGuard::new(&path).ok() } else { None })
    }
}
