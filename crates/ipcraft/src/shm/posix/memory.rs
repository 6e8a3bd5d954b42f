//! The handle.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::mman::shm_unlink;
use nix::sys::stat::{FileStat, fstat, lstat};

use super::{Options, directory};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::{Access, Mapping};
use crate::support::fallocate;
use crate::support::unlink_guard::UnlinkGuard;

const SHM_UNLINK: &str = "shm_unlink";

/// A shared memory object: a descriptor to map, and the name that others find it by.
///
/// Dropping it closes the descriptor; mappings go on, and so does the object, unless [`Options::remove_on_drop`] was
/// asked for.
#[derive(Debug)]
pub struct SharedMemory {
    fd: OwnedFd,
    name: Arc<str>,
    removal: Option<UnlinkGuard>,
}

impl SharedMemory {
    pub(super) fn new(fd: OwnedFd, name: &str, removal: Option<UnlinkGuard>) -> Self {
        SharedMemory { fd, name: name.into(), removal }
    }

    /// `shm_open(3)`, `fallocate(2)`: makes an object of `size` bytes with mode 0600, or takes the one that exists;
    /// see [`Options::create`].
    #[doc(alias = "shm_open")]
    pub fn create(name: &str, size: usize) -> Result<SharedMemory> {
        Options::new().create(name, size)
    }

    /// `shm_open(3)` with `O_EXCL`, `fallocate(2)`: makes an object of `size` bytes with mode 0600 and fails if the
    /// name exists; see [`Options::create_new`].
    #[doc(alias = "shm_open")]
    pub fn create_new(name: &str, size: usize) -> Result<SharedMemory> {
        Options::new().create_new(name, size)
    }

    /// `shm_open(3)`: takes an object that exists; see [`Options::open`].
    #[doc(alias = "shm_open")]
    pub fn open(name: &str) -> Result<SharedMemory> {
        Options::new().open(name)
    }

    /// [`open`](SharedMemory::open) that waits for the name; see [`Options::open_timeout`].
    pub fn open_timeout(name: &str, timeout: Duration) -> Result<SharedMemory> {
        Options::new().open_timeout(name, timeout)
    }

    /// The name as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `fstat(2)`: its size in bytes now.
    ///
    /// # Errors
    ///
    /// None is known.
    pub fn size(&self) -> Result<usize> {
        Ok(self.stat()?.st_size as usize)
    }

    /// `mmap(2)`: maps all of it for reading and writing.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it was opened for reading only;
    /// [`LimitReached`](ErrorKind::LimitReached) if the address space is used up.
    #[doc(alias = "mmap")]
    pub fn map(&self) -> Result<Mapping> {
        self.map_for(Access::ReadWrite)
    }

    /// `mmap(2)` without `PROT_WRITE`: maps all of it for reading.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the address space is used up.
    #[doc(alias = "mmap")]
    pub fn map_read_only(&self) -> Result<Mapping> {
        self.map_for(Access::ReadOnly)
    }

    fn map_for(&self, access: Access) -> Result<Mapping> {
        Mapping::for_file(self.fd.as_fd(), self.size()?, access, Some(&self.name))
    }

    /// `fallocate(2)`: makes it larger, if it is smaller than `size`. Mappings that are there keep their length: map
    /// again to see the rest.
    ///
    /// It cannot be made smaller: an access to what a mapping still shows would be `SIGBUS`, here and in every
    /// process. Make another one.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if it is larger already; [`LimitReached`](ErrorKind::LimitReached) if there is
    /// no room, and then the size is as before.
    pub fn grow(&self, size: usize) -> Result<()> {
        let now = self.size()?;
        if size < now {
            let limit = Limit { name: "its size", value: now as u64, requested: Some(size as u64) };
            return Err(Error::new("fallocate", ErrorKind::Invalid)
                .with_object(Some(&self.name))
                .with_limit(Some(limit)));
        }
        fallocate::reserve(self.fd.as_fd(), size).map_err(|e| e.with_object(Some(&self.name)))
    }

    /// `shm_unlink(3)`: removes the name. The memory stays for those who have it open or mapped, until the last of
    /// them closes; the next process to open the name does not find it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if somebody was faster, [`Removed`](ErrorKind::Removed) if somebody was
    /// faster and another object has the name by now.
    #[doc(alias = "shm_unlink")]
    pub fn remove(&self) -> Result<()> {
        let failed = |e: Errno| Error::from_errno(SHM_UNLINK, e).with_object(Some(&self.name));
        let (named, own) = (lstat(&directory::path(&self.name)).map_err(failed)?, self.stat()?);
        if (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino) {
            return Err(Error::new(SHM_UNLINK, ErrorKind::Removed).with_object(Some(&self.name)));
        }
        shm_unlink(&*self.name).map_err(failed)
    }

    /// Whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.removal.is_some()
    }

    fn stat(&self) -> Result<FileStat> {
        fstat(&self.fd).map_err(|e| Error::from_errno("fstat", e).with_object(Some(&self.name)))
    }
}

impl AsFd for SharedMemory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The descriptor alone; the name stays.
impl From<SharedMemory> for OwnedFd {
    fn from(memory: SharedMemory) -> Self {
        if let Some(removal) = memory.removal {
            removal.disarm();
        }
        memory.fd
    }
}
