//! Making or finding a segment.

use std::fs;

use nix::errno::Errno;

use super::Segment;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::HugePages;
use crate::support::limits;
use crate::sys::sysv_shm;
use crate::sysv::{Creation, Key};

const SHMGET: &str = "shmget";
const SHMMAX: &str = "/proc/sys/kernel/shmmax";
const SHMMNI: &str = "/proc/sys/kernel/shmmni";
const SHMALL: &str = "/proc/sys/kernel/shmall";

/// How to make a segment.
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
    /// Mode 0600, of ordinary pages, never removed.
    pub fn new() -> Self {
        Options::default()
    }

    /// Permission bits of a segment that is created, such as `0o640`. The umask is not taken off.
    pub fn mode(mut self, mode: u32) -> Self {
        self.creation.mode = mode;
        self
    }

    /// Removes the segment when the handle is dropped: if this call created it, and in the process that did.
    pub fn remove_on_drop(mut self, yes: bool) -> Self {
        self.creation.remove_on_drop = yes;
        self
    }

    /// `SHM_HUGETLB`: huge pages, of which the system must have free ones.
    #[doc(alias = "SHM_HUGETLB")]
    pub fn huge_pages(mut self, pages: HugePages) -> Self {
        self.huge_pages = Some(pages);
        self
    }

    /// `shmget(2)` with `IPC_CREAT`: makes a segment of `size` bytes, all zero, or takes the one that has the key,
    /// which may be larger.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the one that exists is smaller; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "shmget")]
    pub fn create(&self, key: Key, size: usize) -> Result<Segment> {
        loop {
            match self.create_new(key, size) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                made => return made,
            }
            match Self::find(key, size) {
                // Removed in this very moment: the key is free again.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                found => return found,
            }
        }
    }

    /// `shmget(2)` with `IPC_CREAT | IPC_EXCL`: makes a segment of `size` bytes, all zero; exactly one of several
    /// racing processes succeeds.
    ///
    /// [`Key::PRIVATE`] is always free.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if a segment has the key; others as in the [module's
    /// table](super#errors).
    #[doc(alias = "shmget")]
    pub fn create_new(&self, key: Key, size: usize) -> Result<Segment> {
        if size == 0 {
            return Err(refused(key).with_hint("a size is at least 1"));
        }
        let huge = self.huge_pages.map_or(0, |pages| libc::SHM_HUGETLB | pages.flags() as libc::c_int);
        let id = sysv_shm::get(key.number(), size, self.creation.flags() | huge)
            .map_err(|e| self.refusal(e, key, size))?;
        Ok(Segment::new(id, key, self.creation.removal(id, sysv_shm::remove)))
    }

    /// `shmget(2)`: takes the segment that has the key. Permission is checked when attaching.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound); [`Invalid`](ErrorKind::Invalid) for [`Key::PRIVATE`], by which none can be
    /// found; others as in the [module's table](super#errors).
    #[doc(alias = "shmget")]
    pub fn open(&self, key: Key) -> Result<Segment> {
        if key.is_private() {
            return Err(refused(key).with_hint("only the identifier leads to a private segment"));
        }
        Self::find(key, 0)
    }

    /// Asks for no permission: that is done when attaching, for reading or for both.
    fn find(key: Key, size: usize) -> Result<Segment> {
        match sysv_shm::get(key.number(), size, 0) {
            Ok(id) => Ok(Segment::new(id, key, None)),
            Err(Errno::EINVAL) => Err(too_small(key, size)),
            Err(errno) => Err(Error::from_errno(SHMGET, errno).with_name(key.to_string())),
        }
    }

    fn refusal(&self, errno: Errno, key: Key, size: usize) -> Error {
        let error = Error::from_errno(SHMGET, errno).with_name(key.to_string());
        match errno {
            Errno::EINVAL => {
                error.with_kind(ErrorKind::LimitReached).with_limit(limits::sysctl(SHMMAX, Some(size as u64)))
            }
            Errno::ENOSPC => error.with_limit(used_up()),
            Errno::ENOMEM if self.huge_pages.is_some() => error.with_hint("too few huge pages are free"),
            Errno::ENOMEM => error.with_limit(limits::available_memory(size)),
            Errno::ENOENT => error.with_kind(ErrorKind::Unsupported),
            _ => error,
        }
    }
}

fn refused(key: Key) -> Error {
    Error::new(SHMGET, ErrorKind::Invalid).with_name(key.to_string())
}

fn too_small(key: Key, wanted: usize) -> Error {
    let size = sysv_shm::get(key.number(), 0, 0).and_then(sysv_shm::stat).map(|data| data.shm_segsz);
    let limit =
        size.ok().map(|size| Limit { name: "its size", value: size as u64, requested: Some(wanted as u64) });
    Error::from_errno(SHMGET, Errno::EINVAL)
        .with_name(key.to_string())
        .with_kind(ErrorKind::WrongType)
        .with_limit(limit)
}

/// The number of segments, or of their pages: the kernel says the same for both.
fn used_up() -> Option<Limit> {
    let most = limits::sysctl(SHMMNI, None)?;
    let heading_and_segments = fs::read_to_string("/proc/sysvipc/shm").ok()?.lines().count();
    if heading_and_segments as u64 > most.value { Some(most) } else { limits::sysctl(SHMALL, None) }
}
