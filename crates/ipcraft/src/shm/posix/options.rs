//! Creation and opening of an object.

use std::ffi::OsStr;
use std::time::Duration;

use super::SharedMemory;
use super::open::Owner;
use crate::error::Result;
use crate::shm::Access;
use crate::support::mode::CreationMode;

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
    pub(super) mode: CreationMode,
    pub(super) any_mode: bool,
    pub(super) owner: Owner,
    pub(super) min_size: usize,
    pub(super) sparse: bool,
    pub(super) access: Access,
    pub(super) remove_on_drop: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            mode: CreationMode::less_umask(0o600),
            any_mode: false,
            owner: Owner::Effective,
            min_size: 1,
            sparse: false,
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
    ///
    /// Creation and opening fail with [`Invalid`](crate::ErrorKind::Invalid) for bits beyond 0o777.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = CreationMode::less_umask(mode);
        self
    }

    /// Sets the permission bits as [`mode`](Options::mode) does, and the umask takes none away.
    ///
    /// The object has them before its name appears.
    #[doc(alias = "fchmod")]
    pub fn exact_mode(mut self, mode: u32) -> Self {
        self.mode = CreationMode::exact(mode);
        self
    }

    /// Accepts an existing object with any permission bits.
    ///
    /// Each process that the bits permit to write can change the contents and shrink the object.
    pub fn any_mode(mut self) -> Self {
        self.any_mode = true;
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
        self.owner = Owner::Id(uid);
        self
    }

    /// Accepts an existing object of any owner. The owner can change its contents and shrink it.
    pub fn any_owner(mut self) -> Self {
        self.owner = Owner::Any;
        self
    }

    /// Sets the least size of an existing object. Default: 1 byte. A smaller one is rejected, with
    /// both sizes in the error; [`open_timeout`](Options::open_timeout) waits until it has grown.
    pub fn min_size(mut self, bytes: usize) -> Self {
        self.min_size = bytes.max(1);
        self
    }

    /// `ftruncate(2)`: creates the object without memory. The kernel takes each page on first
    /// access, or [`reserve`](SharedMemory::reserve) takes them before.
    ///
    /// An access raises `SIGBUS` when `/dev/shm` is full. The kernel kills a process when the
    /// memory of the machine or of the control group is exhausted.
    #[doc(alias = "ftruncate")]
    pub fn sparse(mut self, yes: bool) -> Self {
        self.sparse = yes;
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
    /// [`WrongType`](crate::ErrorKind::WrongType) if the name is taken by something else or by a
    /// smaller object. If that object is empty, its creator may have died: [unlink] it then. Others
    /// as in the [module's table](super#errors).
    ///
    /// [unlink]: SharedMemory::unlink
    #[doc(alias = "shm_open")]
    pub fn create(&self, name: impl AsRef<OsStr>, size: usize) -> Result<SharedMemory> {
        let at_least = Options { min_size: self.min_size.max(size), ..self.clone() };
        at_least.create_filled(name, size, |_| Ok(()))
    }

    /// `shm_open(3)` with `O_EXCL`, `fallocate(2)`: creates an object of `size` zero bytes; exactly
    /// one of several racing processes succeeds.
    ///
    /// The name appears when the object has its size. A creator that dies earlier leaves nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken; others as in the
    /// [module's table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn create_new(&self, name: impl AsRef<OsStr>, size: usize) -> Result<SharedMemory> {
        self.create_new_filled(name, size, |_| Ok(()))
    }

    /// `shm_open(3)`: opens an existing object, if it is a regular file of the expected owner, mode
    /// and size.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](crate::ErrorKind::NotFound) if no object has the name;
    /// * [`WrongType`](crate::ErrorKind::WrongType) or
    ///   [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if a check fails, with what was
    ///   found;
    /// * others as in the [module's table](super#errors).
    #[doc(alias = "shm_open")]
    pub fn open(&self, name: impl AsRef<OsStr>) -> Result<SharedMemory> {
        self.open_existing(name.as_ref())
    }

    /// [`open`](Options::open) that waits until the name exists and the object has its size, and
    /// fails with [`TimedOut`](crate::ErrorKind::TimedOut) after `timeout`.
    ///
    /// A program that uses `shm_open(3)` gives its object a size only after the name appears. If it
    /// died in between, the error names the size, and [`unlink`](SharedMemory::unlink) clears the
    /// name.
    ///
    /// The kernel offers no notification, so this polls at growing intervals of at most 5 ms.
    pub fn open_timeout(&self, name: impl AsRef<OsStr>, timeout: Duration) -> Result<SharedMemory> {
        self.open_existing_timeout(name.as_ref(), timeout)
    }
}
