//! Creation and opening of a segment.

use std::fs;

use nix::errno::Errno;

use super::{Segment, segment};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::HugePages;
use crate::support::create_or_open::create_or_open;
use crate::support::limits;
use crate::sys::sysv_shm;
use crate::sysv::{Calls, Creation, Facts, Identity, Key, Object};

const SHMGET: &str = "shmget";
const SHMMAX: &str = "/proc/sys/kernel/shmmax";
const SHMMNI: &str = "/proc/sys/kernel/shmmni";
const SHMALL: &str = "/proc/sys/kernel/shmall";

pub(super) const CALLS: Calls = Calls {
    facts: |id| segment::status(id).map(|data| Facts::from(&data.shm_perm)),
    remove: sysv_shm::remove,
};

/// Options for creating a segment.
///
/// ```
/// use ipcraft::shm::sysv::Options;
/// use ipcraft::sysv::Key;
///
/// let segment = Options::new().mode(0o640).remove_on_drop(true).create_new(Key::PRIVATE, 10_000)?;
/// assert_eq!(segment.statistics()?.permissions.mode, 0o640);
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    creation: Creation,
    huge_pages: Option<HugePages>,
}

impl Options {
    /// Default options: mode 0600, ordinary pages, not removed on drop.
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets the permission bits of a new segment, such as `0o640`. The umask does not apply.
    pub fn mode(mut self, mode: u32) -> Self {
        self.creation.mode = mode;
        self
    }

    /// Removes the segment when the handle is dropped, provided that this call created it, in the
    /// creating process.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.creation.remove_on_drop = yes;
        self
    }

    /// `SHM_HUGETLB`: allocates huge pages, of which the system must have enough free.
    #[doc(alias = "SHM_HUGETLB")]
    pub fn huge_pages(mut self, pages: HugePages) -> Self {
        self.huge_pages = Some(pages);
        self
    }

    /// `shmget(2)` with `IPC_CREAT`: opens the segment of this key, or creates it with `size` zero
    /// bytes.
    ///
    /// An existing segment may be larger.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the existing segment is smaller; others as in the
    /// [module's table](super#errors).
    #[doc(alias = "shmget")]
    pub fn create(&self, key: Key, size: usize) -> Result<Segment> {
        create_or_open(|| self.create_new(key, size), || Self::find(key, size))
    }

    /// `shmget(2)` with `IPC_CREAT | IPC_EXCL`: creates a segment of `size` zero bytes; exactly one
    /// of several racing processes succeeds.
    ///
    /// [`Key::PRIVATE`] is always free.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the key is taken; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "shmget")]
    pub fn create_new(&self, key: Key, size: usize) -> Result<Segment> {
        if size == 0 {
            return Err(invalid(key).with_hint("ask for at least 1 byte"));
        }
        let huge = self.huge_pages.map_or(0, |pages| libc::SHM_HUGETLB | pages.flags() as libc::c_int);
        let flags = self.creation.flags(SHMGET).map_err(|e| e.with_name(key.to_string()))?;
        let id =
            sysv_shm::get(key.number(), size, flags | huge).map_err(|e| self.create_error(e, key, size))?;
        Ok(Segment::new(self.creation.object(id, key, &CALLS), key))
    }

    /// `shmget(2)`: opens the segment of this key. Permission is checked when attaching.
    ///
    /// # Errors
    ///
    /// * [`NotFound`](ErrorKind::NotFound) if no segment has the key;
    /// * [`Invalid`](ErrorKind::Invalid) for [`Key::PRIVATE`], which identifies no segment;
    /// * others as in the [module's table](super#errors).
    #[doc(alias = "shmget")]
    pub fn open(&self, key: Key) -> Result<Segment> {
        if key.is_private() {
            return Err(invalid(key).with_hint("open a private segment by its identifier"));
        }
        Self::find(key, 0)
    }

    /// Requests no permission: attaching does, for reading or for both.
    fn find(key: Key, size: usize) -> Result<Segment> {
        match sysv_shm::get(key.number(), size, 0) {
            Ok(id) => Ok(Segment::new(Object::kept(Identity::found(id, Some(key), &CALLS)), key)),
            Err(Errno::EINVAL) => Err(too_small(key, size)),
            Err(errno) => Err(Error::from_errno(SHMGET, errno).with_name(key.to_string())),
        }
    }

    fn create_error(&self, errno: Errno, key: Key, size: usize) -> Error {
        let error = Error::from_errno(SHMGET, errno).with_name(key.to_string());
        match errno {
            Errno::EINVAL => {
                error.with_kind(ErrorKind::LimitReached).with_limit(limits::sysctl(SHMMAX, Some(size as u64)))
            }
            Errno::ENOSPC => error.with_limit(exhausted_limit()),
            Errno::ENOMEM if self.huge_pages.is_some() => {
                error.with_hint("reserve more huge pages in /proc/sys/vm/nr_hugepages")
            }
            Errno::ENOMEM => error.with_limit(limits::available_memory(size).filter(Limit::is_exceeded)),
            Errno::ENOENT => error.with_kind(ErrorKind::Unsupported),
            _ => error,
        }
    }
}

fn invalid(key: Key) -> Error {
    Error::new(SHMGET, ErrorKind::Invalid).with_name(key.to_string())
}

fn too_small(key: Key, wanted: usize) -> Error {
    let size = sysv_shm::get(key.number(), 0, 0).and_then(segment::status).map(|data| data.shm_segsz);
    let limit =
        size.ok().map(|size| Limit { name: "its size", value: size as u64, requested: Some(wanted as u64) });
    Error::from_errno(SHMGET, Errno::EINVAL)
        .with_name(key.to_string())
        .with_kind(ErrorKind::WrongType)
        .with_limit(limit)
}

/// Returns the exhausted limit, on segments or on their pages: the kernel reports one errno for
/// both.
fn exhausted_limit() -> Option<Limit> {
    let most = limits::sysctl(SHMMNI, None)?;
    let heading_and_segments = fs::read_to_string("/proc/sysvipc/shm").ok()?.lines().count();
    if heading_and_segments as u64 > most.value { Some(most) } else { limits::sysctl(SHMALL, None) }
}
