//! Creation and opening of an object.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::directory::SHM_OPEN;
use super::open::Expected;
use super::{LONGEST_NAME, SharedMemory, directory, open};
use crate::error::{Error, ErrorKind, Result};
use crate::name;
use crate::shm::Access;
use crate::support::backoff::Backoff;
use crate::support::unlink_guard::UnlinkGuard;
use crate::support::{fallocate, limits};
use crate::time::Deadline;

/// Options for creating a shared memory object, and requirements on one that is opened.
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
    /// Default options: mode 0600, owned by the effective user, read-write, not removed on drop.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permission bits of a new object, such as `0o640`, less the umask. An existing
    /// object with further bits is rejected.
    pub fn mode(mut self, mode: u32) -> Self {
        self.expected.mode = mode & 0o777;
        self
    }

    /// Removes the name when the handle is dropped, provided that this call created the object, in
    /// the creating process, and while the name still names that object.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.remove_on_drop = yes;
        self
    }

    /// Sets the required owner of an existing object. Default: the effective user.
    pub fn owner(mut self, uid: u32) -> Self {
        self.expected.owner = Some(uid);
        self
    }

    /// `O_RDONLY`: opens an existing object read-only, which needs no permission to write. No
    /// effect on creation.
    #[doc(alias = "O_RDONLY")]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// `shm_open(3)`, `fallocate(2)`: opens the object, or creates it with `size` zero bytes.
    ///
    /// An existing object may be larger.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the name is taken by something else or by a smaller
    /// object; others as in the [module's table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create(&self, name: &str, size: usize) -> Result<SharedMemory> {
        let memory = self.create_filled(name, size, |_| Ok(()))?;
        let found = memory.size()?;
        if found < size { Err(open::too_small(found, size).with_name(name)) } else { Ok(memory) }
    }

    /// `shm_open(3)` with `O_EXCL`, `fallocate(2)`: creates an object of `size` zero bytes; exactly
    /// one of several racing processes succeeds.
    ///
    /// The name appears when the object has its size. A creator that dies earlier leaves nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the name is taken; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create_new(&self, name: &str, size: usize) -> Result<SharedMemory> {
        self.create_new_filled(name, size, |_| Ok(()))
    }

    /// `shm_open(3)`: opens an existing object, if it is a non-empty regular file of the expected
    /// owner and mode.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no object has the name;
    /// * [`WrongType`](ErrorKind::WrongType) or [`PermissionDenied`](ErrorKind::PermissionDenied)
    ///   if a check fails;
    /// * others as in the [module's table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn open(&self, name: &str) -> Result<SharedMemory> {
        let c_name = name::posix(SHM_OPEN, name, LONGEST_NAME)?;
        let fd = open::checked(&c_name, name, self.access, self.expected)?;
        Ok(SharedMemory::new(fd, name, None))
    }

    /// [`open`](Options::open) that waits until the name exists, and fails with
    /// [`TimedOut`](ErrorKind::TimedOut) after `timeout`.
    ///
    /// The kernel offers no notification, so this polls at growing intervals of at most 5 ms.
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

    /// Creates an object that `fill` writes before the name appears.
    pub(crate) fn create_new_filled(
        &self,
        name: &str,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<SharedMemory> {
        name::posix(SHM_OPEN, name, LONGEST_NAME)?;
        let fd = self.create_unnamed(name, size, fill)?;
        let removal = self.publish(&fd, name)?;
        Ok(SharedMemory::new(fd, name, removal))
    }

    /// Opens the object, or creates one that `fill` writes before the name appears.
    pub(crate) fn create_filled(
        &self,
        name: &str,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<SharedMemory> {
        if let Some(found) = self.find(name)? {
            return Ok(found);
        }
        let fd = self.create_unnamed(name, size, fill)?;
        loop {
            match self.publish(&fd, name) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                published => return Ok(SharedMemory::new(fd, name, published?)),
            }
            // If the object was removed in between, the name is free again: retry.
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

    fn create_unnamed(
        &self,
        name: &str,
        size: usize,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<OwnedFd> {
        let fd = directory::create_unnamed(self.expected.mode).map_err(|e| e.with_name(name))?;
        fallocate::reserve(fd.as_fd(), size).map_err(|e| e.with_name(name))?;
        fill(fd.as_fd())?;
        Ok(fd)
    }

    fn publish(&self, fd: &OwnedFd, name: &str) -> Result<Option<UnlinkGuard>> {
        let path = directory::path(name);
        let failed = |e| Error::from_errno(SHM_OPEN, e).with_name(name).with_limit(limits::descriptors(e));
        // Made before the name exists, so that a failure leaves nothing.
        let removal = self.remove_on_drop.then(|| UnlinkGuard::of(&path, fd.as_fd())).transpose();
        let removal = removal.map_err(failed)?;
        directory::link(fd.as_fd(), &path).map_err(|e| e.with_name(name))?;
        Ok(removal)
    }
}
