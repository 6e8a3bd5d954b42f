//! The handle of a segment.

use std::sync::Arc;

use nix::errno::Errno;

use super::options::CALLS;
use super::{Options, Statistics};
use crate::error::{Error, ErrorKind, Result};
use crate::shm::{Access, Mapping};
use crate::support::limits;
use crate::sys::sysv_shm;
use crate::sysv::{self, Changes, Identity, Key, Object, advise};

const SHMAT: &str = "shmat";
const IPC_SET: &str = "shmctl(IPC_SET)";
const IPC_STAT: &str = "shmctl(IPC_STAT)";

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
    object: Object,
    /// The object in error messages.
    name: Arc<str>,
}

impl Segment {
    pub(super) fn new(object: Object, key: Key) -> Self {
        let name = format!("{key} (identifier {})", object.id()).into();
        Segment { object, name }
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
    /// passed on. Needs no right: attaching asks for its own.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub fn from_id(id: i32) -> Result<Segment> {
        let name = format!("identifier {id}").into();
        let key = match status(id) {
            Ok(data) => Some(Key::new(data.shm_perm.__key)),
            // Before Linux 4.17, nothing is known of an unreadable segment.
            Err(Errno::EACCES) => None,
            Err(e @ (Errno::EINVAL | Errno::EIDRM)) => {
                return Err(Error::from_errno(IPC_STAT, e)
                    .with_kind(ErrorKind::NotFound)
                    .with_object(Some(&name)));
            }
            Err(e) => return Err(Error::from_errno(IPC_STAT, e).with_object(Some(&name))),
        };
        Ok(Segment { object: Object::kept(Identity::found(id, key, &CALLS)), name })
    }

    /// Returns the identifier (`shmid`), valid in every process of this IPC namespace and shown by
    /// `ipcs`.
    pub fn id(&self) -> i32 {
        self.object.id()
    }

    /// Returns the key that it was opened or created with; [`Key::PRIVATE`] for a private segment.
    ///
    /// Returns `None` for a segment that was [opened by its identifier](Segment::from_id) on a
    /// kernel before 4.17 without the right to read it.
    pub fn key(&self) -> Option<Key> {
        self.object.key()
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
        let attachment = sysv_shm::Attachment::new(self.id(), access == Access::ReadOnly)
            .map_err(|e| self.failed(SHMAT, e))?;
        // The size of an attached segment cannot change.
        let size = status(self.id()).map_err(|e| self.failed(IPC_STAT, e))?.shm_segsz;
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
        let data = sysv_shm::stat(self.id()).map_err(|e| self.failed(IPC_STAT, e))?;
        Ok(Statistics::from(&data))
    }

    /// `shmctl(2)` with `IPC_SET`: changes the permission bits. Existing mappings keep their
    /// access.
    #[doc(alias = "IPC_SET")]
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        self.change(&Changes::new().mode(mode))
    }

    /// `shmctl(2)` with `IPC_SET`: changes owner and group. The creator keeps its rights.
    #[doc(alias = "IPC_SET")]
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<()> {
        self.change(&Changes::new().owner(uid).group(gid))
    }

    /// `shmctl(2)` with `IPC_SET`: changes mode, owner and group together, as far as they are
    /// given.
    ///
    /// The kernel takes all of them. What is not given is read first, so a change by another
    /// process in between is lost. No right to read is needed (Linux 4.17).
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) for a mode beyond 0o777, or an id that this user namespace
    /// does not map.
    #[doc(alias = "IPC_SET")]
    pub fn change(&self, changes: &Changes) -> Result<()> {
        let mut data = status(self.id()).map_err(|e| self.failed(IPC_STAT, e))?;
        changes.apply(IPC_SET, &mut data.shm_perm).map_err(|e| e.with_object(Some(&self.name)))?;
        sysv_shm::set(self.id(), &mut data).map_err(|e| match e {
            // The segment exists, so the kernel refused an argument.
            Errno::EINVAL if status(self.id()).is_ok() => {
                self.failed(IPC_SET, e).with_kind(ErrorKind::Invalid).with_hint(sysv::IDS)
            }
            _ => self.failed(IPC_SET, e),
        })
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
        self.object.remove().map_err(|e| self.failed("shmctl(IPC_RMID)", e))
    }

    /// Returns whether dropping this handle removes the segment.
    pub fn removes_on_drop(&self) -> bool {
        self.object.removes_on_drop()
    }

    fn control(&self, operation: &'static str, command: libc::c_int) -> Result<()> {
        sysv_shm::control(self.id(), command).map_err(|e| self.failed(operation, e))
    }

    fn failed(&self, operation: &'static str, errno: Errno) -> Error {
        let error = advise(Error::from_errno(operation, errno).with_object(Some(&self.name)), errno);
        match errno {
            // The identifier was valid, so the segment has been removed.
            Errno::EINVAL => error.with_kind(ErrorKind::Removed),
            Errno::ENOMEM if operation != SHMAT => {
                error.with_limit(limits::locked(status(self.id()).map_or(0, |data| data.shm_segsz)))
            }
            _ => error,
        }
    }
}

/// The status of a segment, with or without the right to read it.
pub(super) fn status(id: i32) -> nix::Result<libc::shmid_ds> {
    sysv::status(id, sysv_shm::stat, sysv_shm::stat_any)
}
