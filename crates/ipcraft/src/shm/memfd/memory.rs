//! The handle of a memfd.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::stat::{FileStat, fstat};

use super::{Options, Seals};
use crate::error::{Error, ErrorKind, Result};
use crate::shm::{Access, Mapping};
use crate::support::dup::duplicate;
use crate::support::fallocate::{self, reserved_bytes};

const F_ADD_SEALS: &str = "fcntl(F_ADD_SEALS)";
const F_GET_SEALS: &str = "fcntl(F_GET_SEALS)";

/// Anonymous memory of a fixed size, reachable through descriptors only.
///
/// Dropping it closes the descriptor. The kernel frees the memory with the last descriptor and
/// mapping.
#[derive(Debug)]
pub struct Memfd {
    fd: OwnedFd,
    /// Fixed by the seals, which `fd` has before any other process can reach it.
    size: usize,
    /// The bytes that had no memory yet when this handle was made.
    missing: usize,
}

impl Memfd {
    pub(super) fn new(fd: OwnedFd, size: usize, missing: usize) -> Self {
        Memfd { fd, size, missing }
    }

    /// `memfd_create(2)`, `fallocate(2)`: creates a sealed memfd of `size` zero bytes; see
    /// [`Options::create`].
    #[doc(alias = "memfd_create")]
    pub fn create(name: &str, size: usize) -> Result<Memfd> {
        Options::new().create(name, size)
    }

    /// Returns the status of a memfd with [`Seals::REQUIRED`] that is not empty, and fails for any
    /// other descriptor. It never blocks, because it does not touch a file of another kind.
    pub(crate) fn check(fd: BorrowedFd<'_>) -> Result<FileStat> {
        let missing = Seals::REQUIRED.without(seals(fd)?);
        if let Some(seal) = missing.names().next() {
            return Err(Error::new(F_GET_SEALS, ErrorKind::WrongType).with_name(format!("without {seal}")));
        }
        let stat = fstat(fd).map_err(|e| Error::from_errno("fstat", e))?;
        if stat.st_size == 0 {
            return Err(Error::new("fstat", ErrorKind::WrongType).with_hint("create the memfd with a size"));
        }
        Ok(stat)
    }

    /// Its size in bytes, which never changes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// `mmap(2)`: maps all of it for reading and writing.
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if it is sealed against writing, or its
    ///   descriptor was opened read-only;
    /// * [`LimitReached`](ErrorKind::LimitReached) if the address space is exhausted.
    #[doc(alias = "mmap")]
    pub fn map(&self) -> Result<Mapping> {
        Mapping::for_file(self.fd.as_fd(), self.size, self.missing, Access::ReadWrite, None)
    }

    /// `mmap(2)` without `PROT_WRITE`: maps all of it for reading.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the address space is exhausted.
    #[doc(alias = "mmap")]
    pub fn map_read_only(&self) -> Result<Mapping> {
        Mapping::for_file(self.fd.as_fd(), self.size, self.missing, Access::ReadOnly, None)
    }

    /// `fallocate(2)`: takes the memory of `length` bytes at `offset`, so that no access to them
    /// finds too little. For [sparse](Options::sparse) memfds.
    ///
    /// # Errors
    ///
    /// * [`Invalid`](ErrorKind::Invalid) if the range is empty or not within the memfd;
    /// * [`LimitReached`](ErrorKind::LimitReached) if memory is short.
    #[doc(alias = "fallocate")]
    pub fn reserve(&self, offset: usize, length: usize) -> Result<()> {
        fallocate::reserve_range(self.fd.as_fd(), offset, length)
    }

    /// `fcntl(2)` with `F_GET_SEALS`: returns the current seals.
    ///
    /// Other processes may add seals later, unless [`Seals::SEAL`] is among them.
    #[doc(alias = "F_GET_SEALS")]
    pub fn seals(&self) -> Result<Seals> {
        seals(self.fd.as_fd())
    }

    /// `fcntl(2)` with `F_ADD_SEALS`: adds seals, permanently and for every process.
    ///
    /// # Errors
    ///
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) if it carries [`Seals::SEAL`], as it
    ///   does from its creation unless [`Options::unsealed`] was set;
    /// * [`InUse`](ErrorKind::InUse) for [`Seals::WRITE`] while any process maps it for writing;
    /// * [`Unsupported`](ErrorKind::Unsupported) for a seal that the kernel does not know.
    #[doc(alias = "F_ADD_SEALS")]
    pub fn seal(&self, seals: Seals) -> Result<()> {
        let flags = SealFlag::from_bits_retain(seals.bits());
        match fcntl(&self.fd, FcntlArg::F_ADD_SEALS(flags)) {
            Ok(_) => Ok(()),
            Err(Errno::EINVAL) => Err(Error::from_errno(F_ADD_SEALS, Errno::EINVAL)
                .with_kind(ErrorKind::Unsupported)
                .with_hint("omit Seals::EXECUTE before Linux 6.3")),
            Err(Errno::EPERM) => Err(Error::from_errno(F_ADD_SEALS, Errno::EPERM)
                .with_hint("create the memfd with Options::unsealed")),
            Err(Errno::EBUSY) => Err(Error::from_errno(F_ADD_SEALS, Errno::EBUSY)
                .with_hint("drop all writable mappings, or use Seals::FUTURE_WRITE")),
            Err(errno) => Err(Error::from_errno(F_ADD_SEALS, errno)),
        }
    }

    /// `fcntl(2)` with `F_DUPFD_CLOEXEC`: duplicates the descriptor, for example to pass one to a
    /// peer.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if the descriptor table is full.
    #[doc(alias = "dup")]
    pub fn try_clone(&self) -> Result<Memfd> {
        Ok(Memfd { fd: duplicate(&self.fd)?, size: self.size, missing: self.missing })
    }
}

fn seals(fd: BorrowedFd<'_>) -> Result<Seals> {
    match fcntl(fd, FcntlArg::F_GET_SEALS) {
        Ok(bits) => Ok(Seals::from_bits(bits)),
        // Only memory files have seals. A descriptor from O_PATH has none of a file's functions.
        Err(errno @ (Errno::EINVAL | Errno::EBADF)) => Err(Error::from_errno(F_GET_SEALS, errno)
            .with_kind(ErrorKind::WrongType)
            .with_hint("pass the descriptor of a memfd")),
        Err(errno) => Err(Error::from_errno(F_GET_SEALS, errno)),
    }
}

impl AsFd for Memfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Memfd> for OwnedFd {
    fn from(memory: Memfd) -> Self {
        memory.fd
    }
}

/// `fcntl(2)` with `F_GET_SEALS`: adopts a descriptor that was inherited or received, if it is a
/// memfd with [`Seals::REQUIRED`].
///
/// Without these seals the peer could shrink the memory at any time, and an access would raise
/// `SIGBUS`.
///
/// # Errors
///
/// [`WrongType`](ErrorKind::WrongType) if the descriptor is not a memfd, lacks a required seal,
/// which the error names, or is empty. The descriptor is then closed.
impl TryFrom<OwnedFd> for Memfd {
    type Error = Error;

    fn try_from(fd: OwnedFd) -> Result<Self> {
        let stat = Memfd::check(fd.as_fd())?;
        let size = stat.st_size as usize;
        Ok(Memfd { fd, size, missing: size.saturating_sub(reserved_bytes(&stat)) })
    }
}
