//! The handle.

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

/// A System V shared memory segment, to be attached.
///
/// Holds nothing but its identifier. Dropping it leaves the segment, unless [`Options::remove_on_drop`] was asked for.
#[derive(Debug)]
pub struct Segment {
    id: i32,
    /// How errors name it.
    name: Arc<str>,
    removal: Option<RemoveOnDrop>,
}

impl Segment {
    pub(super) fn new(id: i32, key: Key, removal: Option<RemoveOnDrop>) -> Self {
        let name = format!("{key} (identifier {id})").into();
        Segment { id, name, removal }
    }

    /// `shmget(2)` with `IPC_CREAT`: makes a segment of `size` bytes with mode 0600, or takes the one that has the
    /// key; see [`Options::create`].
    #[doc(alias = "shmget")]
    pub fn create(key: Key, size: usize) -> Result<Segment> {
        Options::new().create(key, size)
    }

    /// `shmget(2)` with `IPC_CREAT | IPC_EXCL`: makes a segment of `size` bytes with mode 0600 and fails if one has
    /// the key; see [`Options::create_new`].
    #[doc(alias = "shmget")]
    pub fn create_new(key: Key, size: usize) -> Result<Segment> {
        Options::new().create_new(key, size)
    }

    /// `shmget(2)`: takes the segment that has the key; see [`Options::open`].
    #[doc(alias = "shmget")]
    pub fn open(key: Key) -> Result<Segment> {
        Options::new().open(key)
    }

    /// Takes the segment with this identifier, which another process passed on.
    ///
    /// # Errors
    ///
    /// [`Removed`](ErrorKind::Removed) if there is none, [`PermissionDenied`](ErrorKind::PermissionDenied) without
    /// permission to read.
    pub fn from_id(id: i32) -> Result<Segment> {
        let found = Segment { id, name: format!("identifier {id}").into(), removal: None };
        found.statistics()?;
        Ok(found)
    }

    /// `shmid`: the number that leads every process of this IPC namespace to the segment, and that `ipcs` shows.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// `shmat(2)`: maps all of it for reading and writing, at an address that the kernel chooses. Dropping the mapping
    /// is `shmdt(2)`.
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
        // Attached, it stays what it is.
        let size = self.stat()?.shm_segsz;
        Ok(Mapping::of_segment(attachment, size, access, &self.name))
    }

    /// `shmctl(2)` with `IPC_STAT`: size, attachments, owner, mode, processes and times.
    ///
    /// # Errors
    ///
    /// [`Removed`](ErrorKind::Removed), or [`PermissionDenied`](ErrorKind::PermissionDenied) without permission to
    /// read.
    #[doc(alias = "IPC_STAT")]
    #[doc(alias = "shmctl")]
    pub fn statistics(&self) -> Result<Statistics> {
        self.stat().map(|data| Statistics::from(&data))
    }

    /// `shmctl(2)` with `IPC_SET`: changes the permission bits. Mappings that are there keep what they may.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) for anybody but owner and creator;
    /// [`Removed`](ErrorKind::Removed).
    #[doc(alias = "IPC_SET")]
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        let mut data = self.stat()?;
        data.shm_perm.mode = (mode & 0o777) as _;
        sysv_shm::set(self.id, &mut data).map_err(|e| self.failed(IPC_SET, e))
    }

    /// `shmctl(2)` with `IPC_SET`: gives the segment to another owner. The creator keeps its rights.
    ///
    /// # Errors
    ///
    /// As for [`set_mode`](Segment::set_mode).
    #[doc(alias = "IPC_SET")]
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        let mut data = self.stat()?;
        (data.shm_perm.uid, data.shm_perm.gid) = (uid, gid);
        sysv_shm::set(self.id, &mut data).map_err(|e| self.failed(IPC_SET, e))
    }

    /// `shmctl(2)` with `SHM_LOCK`: keeps pages in memory once they are there; it does not fetch them. Holds for all
    /// processes, until unlocked.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) for anybody but owner and creator, or if `RLIMIT_MEMLOCK` is
    /// 0; [`LimitReached`](ErrorKind::LimitReached) if it is exceeded; [`Removed`](ErrorKind::Removed).
    #[doc(alias = "SHM_LOCK")]
    pub fn lock(&self) -> Result<()> {
        self.control("shmctl(SHM_LOCK)", libc::SHM_LOCK)
    }

    /// `shmctl(2)` with `SHM_UNLOCK`: allows the pages to be swapped out again.
    ///
    /// # Errors
    ///
    /// As for [`lock`](Segment::lock).
    #[doc(alias = "SHM_UNLOCK")]
    pub fn unlock(&self) -> Result<()> {
        self.control("shmctl(SHM_UNLOCK)", libc::SHM_UNLOCK)
    }

    /// `shmctl(2)` with `IPC_RMID`: removes the key and marks the segment; it is gone when the last process has
    /// detached.
    ///
    /// Mappings go on. Until then the identifier still leads to it, also for new attachments, which only Linux allows.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) for anybody but owner and creator;
    /// [`Removed`](ErrorKind::Removed) if it is gone.
    #[doc(alias = "IPC_RMID")]
    pub fn remove(&self) -> Result<()> {
        sysv_shm::remove(self.id).map_err(|e| self.failed("shmctl(IPC_RMID)", e))?;
        if let Some(removal) = &self.removal {
            removal.cancel();
        }
        Ok(())
    }

    /// Whether dropping this handle removes the segment.
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
            // The identifier was one, and cannot have become wrong otherwise.
            Errno::EINVAL => error.with_kind(ErrorKind::Removed),
            Errno::ENOMEM if operation != SHMAT => error.with_limit(limits::locked(0)),
            _ => error,
        }
    }
}
