//! The handle of a segment.

use std::sync::Arc;

use nix::errno::Errno;

use super::{Options, Statistics};
use crate::error::{Error, ErrorKind, Result};
use crate::shm::{Access, Mapping};
use crate::support::limits;
use crate::sys::sysv_shm;
use crate::sysv::{Key, RemoveOnDrop};

const SHMAT: &str = "shmat";
const IPC_SET: &str = "shmctl(IPC_SET)";

/// A System V shared memory segment.
///
/// Holds only the identifier. Dropping it leaves the segment, unless [`Options::remove_on_drop`]
/// was set.
///
/// Once the segment is gone, every method fails with [`Removed`](ErrorKind::Removed). Changing,
/// locking and removing it fails with [`PermissionDenied`](ErrorKind::PermissionDenied) unless the
/// caller is owner or creator.
#[derive(Debug)]
pub struct Segment {
    id: i32,
    /// The object in error messages.
    name: Arc<str>,
    removal: Option<RemoveOnDrop>,
}

impl Segment {
    pub(super) fn new(id: i32, key: Key, removal: Option<RemoveOnDrop>) -> Self {
        let name = format!("{key} (identifier {id})").into();
        Segment { id, name, removal }
    }

    /// `shmget(2)` with `IPC_CREAT`: opens the segment of this key, or creates it with `size` bytes
    /// and mode 0600; see [`Options::create`].
    #[doc(alias = "shmget")]
    pub fn create(key: Key, size: usize) -> Result<Segment> {
        Options::new().create(key, size)
    }

    /// `shmget(2)` with `IPC_CREAT | IPC_EXCL`: creates a segment of `size` bytes with mode 0600,
    /// and fails if the key is taken; see [`Options::create_new`].
    #[doc(alias = "shmget")]
    pub fn create_new(key: Key, size: usize) -> Result<Segment> {
        Options::new().create_new(key, size)
    }

    /// `shmget(2)`: opens the segment of this key; see [`Options::open`].
    #[doc(alias = "shmget")]
    pub fn open(key: Key) -> Result<Segment> {
        Options::new().open(key)
    }

    /// `shmctl(2)` with `IPC_STAT`: opens the segment with this identifier, which another process
    /// passed on.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if there is none;
    /// * [`PermissionDenied`](ErrorKind::PermissionDenied) without permission to read.
    pub fn from_id(id: i32) -> Result<Segment> {
        let found = Segment { id, name: format!("identifier {id}").into(), removal: None };
        match found.statistics() {
            Err(e) if e.kind() == ErrorKind::Removed => Err(e.with_kind(ErrorKind::NotFound)),
            checked => checked.map(|_| found),
        }
    }

    /// Returns the identifier (`shmid`), valid in every process of this IPC namespace and shown by
    /// `ipcs`.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// `shmat(2)`: maps all of it for reading and writing. Dropping the mapping calls `shmdt(2)`.
    ///
    /// # Errors
    ///
    /// [`Removed`](ErrorKind::Removed), [`PermissionDenied`](ErrorKind::PermissionDenied),
    /// [`LimitReached`](ErrorKind::LimitReached) as in the [module's table](super#errors).
    #[doc(alias = "shmat")]
    #[doc(alias = "shmdt")]
    pub fn attach(&self) -> Result<Mapping> {
        self.attach_for(Access::ReadWrite)
    }

    /// `shmat(2)` with `SHM_RDONLY`: maps all of it for reading.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Segment::attach).
    #[doc(alias = "SHM_RDONLY")]
    pub fn attach_read_only(&self) -> Result<Mapping> {
        self.attach_for(Access::ReadOnly)
    }

    fn attach_for(&self, access: Access) -> Result<Mapping> {
        let attachment = sysv_shm::Attachment::new(self.id, access == Access::ReadOnly)
            .map_err(|e| self.failed(SHMAT, e))?;
        // The size of an attached segment cannot change.
        let size = self.stat()?.shm_segsz;
        Ok(Mapping::for_segment(attachment, size, access, &self.name))
    }

    /// `shmctl(2)` with `IPC_STAT`: returns size, attachments, owner, mode, processes and times.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without permission to read.
    #[doc(alias = "IPC_STAT")]
    #[doc(alias = "shmctl")]
    pub fn statistics(&self) -> Result<Statistics> {
        self.stat().map(|data| Statistics::from(&data))
    }

    /// `shmctl(2)` with `IPC_SET`: changes the permission bits. Existing mappings keep their
    /// access.
    #[doc(alias = "IPC_SET")]
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        let mut data = self.stat()?;
        data.shm_perm.mode = (mode & 0o777) as _;
        sysv_shm::set(self.id, &mut data).map_err(|e| self.failed(IPC_SET, e))
    }

    /// `shmctl(2)` with `IPC_SET`: changes owner and group. The creator keeps its rights.
    #[doc(alias = "IPC_SET")]
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        let mut data = self.stat()?;
        (data.shm_perm.uid, data.shm_perm.gid) = (uid, gid);
        sysv_shm::set(self.id, &mut data).map_err(|e| self.failed(IPC_SET, e))
    }

    /// `shmctl(2)` with `SHM_LOCK`: keeps present pages in memory, for all processes, until
    /// [`unlock`](Segment::unlock). It does not make pages present.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) above `RLIMIT_MEMLOCK`;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) also if that limit is 0.
    #[doc(alias = "SHM_LOCK")]
    pub fn lock(&self) -> Result<()> {
        self.control("shmctl(SHM_LOCK)", libc::SHM_LOCK)
    }

    /// `shmctl(2)` with `SHM_UNLOCK`: allows the kernel to swap the pages out again.
    #[doc(alias = "SHM_UNLOCK")]
    pub fn unlock(&self) -> Result<()> {
        self.control("shmctl(SHM_UNLOCK)", libc::SHM_UNLOCK)
    }

    /// `shmctl(2)` with `IPC_RMID`: frees the key and marks the segment for removal with its last
    /// attachment.
    ///
    /// Mappings stay valid. Until the removal the identifier still works, even for new attachments
    /// (Linux only), and so does this handle.
    #[doc(alias = "IPC_RMID")]
    pub fn remove(&self) -> Result<()> {
        sysv_shm::remove(self.id).map_err(|e| self.failed("shmctl(IPC_RMID)", e))?;
        if let Some(removal) = &self.removal {
            removal.cancel();
        }
        Ok(())
    }

    /// Returns whether dropping this handle removes the segment.
    pub fn removes_on_drop(&self) -> bool {
        self.removal.as_ref().is_some_and(RemoveOnDrop::is_armed)
    }

    fn stat(&self) -> Result<libc::shmid_ds> {
        sysv_shm::stat(self.id).map_err(|e| self.failed("shmctl(IPC_STAT)", e))
    }

    fn control(&self, operation: &'static str, command: libc::c_int) -> Result<()> {
        sysv_shm::control(self.id, command).map_err(|e| self.failed(operation, e))
    }

    fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        let error = Error::from_errno(operation, errno).with_object(Some(&self.name));
        match errno {
            // The identifier was valid, so the segment has been removed.
            Errno::EINVAL => error.with_kind(ErrorKind::Removed),
            Errno::ENOMEM if operation != SHMAT => error.with_limit(limits::locked(0)),
            _ => error,
        }
    }
}
