//! The handle of a shared memory object.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::mman::shm_unlink;
use nix::sys::stat::{FileStat, fstat, lstat};
use nix::unistd::unlink;

use super::{LONGEST_NAME, Options, directory};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::name;
use crate::shm::{Access, Mapping};
use crate::support::directory_entry::DirectoryEntry;
use crate::support::fallocate;
use crate::support::unlink_guard::UnlinkGuard;

const SHM_UNLINK: &str = "shm_unlink";

/// A named shared memory object: a descriptor to map.
///
/// Dropping it closes the descriptor. Mappings stay valid, and the object stays, unless
/// [`Options::remove_on_drop`] was set.
#[derive(Debug)]
pub struct SharedMemory {
    fd: OwnedFd,
    name: OsString,
    /// The object in error messages.
    label: Arc<str>,
    removal: Option<UnlinkGuard>,
}

impl SharedMemory {
    pub(super) fn new(fd: OwnedFd, name: &OsStr, removal: Option<UnlinkGuard>) -> Self {
        let label = name::display(name.as_ref()).into();
        SharedMemory { fd, name: name.into(), label, removal }
    }

    /// `shm_open(3)`, `fallocate(2)`: opens the object, or creates it with `size` bytes and mode
    /// 0600; see [`Options::create`].
    #[doc(alias = "shm_open")]
    pub fn create(name: impl AsRef<OsStr>, size: usize) -> Result<SharedMemory> {
        Options::new().create(name, size)
    }

    /// `shm_open(3)` with `O_EXCL`, `fallocate(2)`: creates an object of `size` bytes with mode
    /// 0600, and fails if the name exists; see [`Options::create_new`].
    #[doc(alias = "shm_open")]
    pub fn create_new(name: impl AsRef<OsStr>, size: usize) -> Result<SharedMemory> {
        Options::new().create_new(name, size)
    }

    /// `shm_open(3)`: opens an existing object; see [`Options::open`].
    #[doc(alias = "shm_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<SharedMemory> {
        Options::new().open(name)
    }

    /// [`open`](SharedMemory::open) that waits until the name exists; see
    /// [`Options::open_timeout`].
    pub fn open_timeout(name: impl AsRef<OsStr>, timeout: Duration) -> Result<SharedMemory> {
        Options::new().open_timeout(name, timeout)
    }

    /// Returns the name that it was opened by.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Returns the name as errors show it.
    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// `fstat(2)`: returns the current size in bytes.
    pub fn size(&self) -> Result<usize> {
        Ok(self.stat()?.st_size as usize)
    }

    /// `mmap(2)`: maps all of it for reading and writing.
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if it was opened read-only;
    /// * [`LimitReached`](ErrorKind::LimitReached) if the address space is exhausted.
    #[doc(alias = "mmap")]
    pub fn map(&self) -> Result<Mapping> {
        self.map_for(Access::ReadWrite)
    }

    /// `mmap(2)` without `PROT_WRITE`: maps all of it for reading.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the address space is exhausted.
    #[doc(alias = "mmap")]
    pub fn map_read_only(&self) -> Result<Mapping> {
        self.map_for(Access::ReadOnly)
    }

    fn map_for(&self, access: Access) -> Result<Mapping> {
        let stat = self.stat()?;
        let size = stat.st_size as usize;
        let missing = size.saturating_sub(fallocate::reserved_bytes(&stat));
        Mapping::for_file(self.fd.as_fd(), size, missing, access, Some(&self.label))
    }

    /// `fallocate(2)`: grows the object to `size` bytes.
    ///
    /// Existing mappings keep their length: map again to access the rest. An object cannot shrink,
    /// since an access beyond the new end would raise `SIGBUS` in every process that maps it.
    /// Create a new one instead.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) if the object is already larger;
    /// * [`LimitReached`](ErrorKind::LimitReached) if memory is short; the size is then unchanged.
    pub fn grow(&self, size: usize) -> Result<()> {
        let now = self.size()?;
        if size < now {
            let limit = Limit { name: "its size", value: now as u64, requested: Some(size as u64) };
            return Err(Error::new("fallocate", ErrorKind::Invalid)
                .with_object(Some(&self.label))
                .with_limit(Some(limit)));
        }
        fallocate::reserve(self.fd.as_fd(), size).map_err(|e| e.with_object(Some(&self.label)))
    }

    /// `fallocate(2)`: takes the memory of `length` bytes at `offset`, so that an access to them
    /// never raises `SIGBUS` for lack of space. For [sparse](Options::sparse) objects.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) if the range is empty or not within the object;
    /// * [`LimitReached`](ErrorKind::LimitReached) if memory is short.
    #[doc(alias = "fallocate")]
    pub fn reserve(&self, offset: usize, length: usize) -> Result<()> {
        fallocate::reserve_range(self.fd.as_fd(), offset, length)
            .map_err(|e| e.with_object(Some(&self.label)))
    }

    /// `shm_unlink(3)`: removes the name, if it still names this object.
    ///
    /// The memory lives on for processes that have it open or mapped. The handle stays usable.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if the name was already removed;
    /// * [`Removed`](ErrorKind::Removed) if it was removed and now names another object.
    #[doc(alias = "shm_unlink")]
    pub fn remove(&self) -> Result<()> {
        let removed = match &self.removal {
            Some(guard) => guard.remove(),
            None => match DirectoryEntry::of(&directory::path(&self.name)) {
                Ok(entry) => entry.remove(self.fd.as_fd()),
                Err(Errno::EMFILE | Errno::ENFILE) => self.remove_without_descriptor(),
                Err(errno) => Err(errno),
            },
        };
        removed.map_err(|errno| {
            let error = Error::from_errno(SHM_UNLINK, errno).with_object(Some(&self.label));
            if errno == Errno::ESTALE { error.with_kind(ErrorKind::Removed) } else { error }
        })
    }

    /// Removes the name with a full descriptor table. Another object that takes the name after the
    /// check is removed in its place.
    fn remove_without_descriptor(&self) -> nix::Result<()> {
        let path = directory::path(&self.name);
        let (named, own) = (lstat(&path)?, fstat(&self.fd)?);
        if (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino) {
            return Err(Errno::ESTALE);
        }
        unlink(&path)
    }

    /// `shm_unlink(3)`: removes a name, whichever object it names.
    ///
    /// It opens nothing, so it also removes what [`open`](SharedMemory::open) rejects: an object that
    /// a killed C program left empty, or of another owner or mode.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no object has this name;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if another user owns it;
    /// * [`InvalidName`](ErrorKind::InvalidName) if no object can have this name.
    #[doc(alias = "shm_unlink")]
    pub fn unlink(name: impl AsRef<OsStr>) -> Result<()> {
        let name = name.as_ref();
        let path = name::posix(SHM_UNLINK, name, LONGEST_NAME)?;
        shm_unlink(&*path)
            .map_err(|e| Error::from_errno(SHM_UNLINK, e).with_name(name::display(name.as_ref())))
    }

    /// Returns whether dropping this handle removes the name.
    pub fn removes_on_drop(&self) -> bool {
        self.removal.is_some()
    }

    fn stat(&self) -> Result<FileStat> {
        fstat(&self.fd).map_err(|e| Error::from_errno("fstat", e).with_object(Some(&self.label)))
    }
}

impl AsFd for SharedMemory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Extracts the descriptor. The name stays, even with [`remove_on_drop`](Options::remove_on_drop).
impl From<SharedMemory> for OwnedFd {
    fn from(memory: SharedMemory) -> Self {
        if let Some(removal) = memory.removal {
            removal.disarm();
        }
        memory.fd
    }
}
