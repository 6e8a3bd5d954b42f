//! Creation of a memfd.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::fchmod;

use super::{Memfd, Seals};
use crate::error::{Error, ErrorKind, Result};
use crate::shm::HugePages;
use crate::support::mode::CreationMode;
use crate::support::{fallocate, limits};

const MEMFD_CREATE: &str = "memfd_create";

/// Permanently non-executable (Linux 6.3; linux/memfd.h).
const MFD_NOEXEC_SEAL: MFdFlags = MFdFlags::from_bits_retain(0x8);

/// Options for creating a memfd.
///
/// ```
/// use ipcraft::shm::memfd::{Options, Seals};
///
/// let memory = Options::new().unsealed().create("doc", 4096)?;
/// memory.map()?.write_at(0, b"constant")?; // the mapping is dropped here
/// memory.seal(Seals::WRITE | Seals::SEAL)?;
/// assert!(memory.map().is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    unsealed: bool,
    sparse: bool,
    exact_mode: Option<CreationMode>,
    huge_pages: Option<HugePages>,
}

impl Options {
    /// Default options: fully sealed, ordinary pages.
    pub fn new() -> Self {
        Options::default()
    }

    /// Omits [`Seals::SEAL`], so that [`Memfd::seal`] can add others later.
    ///
    /// Add that seal last, before a peer receives the memfd: peers require it.
    pub fn unsealed(mut self) -> Self {
        self.unsealed = true;
        self
    }

    /// `MFD_HUGETLB`: allocates huge pages, of which the system must have enough free.
    ///
    /// The size is rounded up to whole pages.
    #[doc(alias = "MFD_HUGETLB")]
    pub fn huge_pages(mut self, pages: HugePages) -> Self {
        self.huge_pages = Some(pages);
        self
    }

    /// `ftruncate(2)`: creates the memfd without memory. The kernel takes each page on first
    /// access, or [`reserve`](Memfd::reserve) takes them before.
    ///
    /// The kernel kills a process when the memory of the machine or of the control group is
    /// exhausted. An access to a huge page raises `SIGBUS` if none is free.
    #[doc(alias = "ftruncate")]
    pub fn sparse(mut self, yes: bool) -> Self {
        self.sparse = yes;
        self
    }

    /// `fchmod(2)`: sets the permission bits, such as `0o600`. Default: 0666, and 0777 before Linux
    /// 6.3. The umask does not apply.
    ///
    /// A process of another user that received a read-only descriptor can reopen it for writing,
    /// through `/proc/self/fd`, only if the bits permit it. Creation fails with [`Invalid`](ErrorKind::Invalid) for
    /// bits beyond 0o777, and with [`PermissionDenied`](ErrorKind::PermissionDenied) for those of
    /// execution from Linux 6.3.
    #[doc(alias = "fchmod")]
    pub fn exact_mode(mut self, mode: u32) -> Self {
        self.exact_mode = Some(CreationMode::exact(mode));
        self
    }

    /// `memfd_create(2)`, `fallocate(2)`: creates a memfd of `size` zero bytes, sealed against
    /// shrinking, growing and, from Linux 6.3, execution.
    ///
    /// The name shows up in `/proc/PID/fd` for debugging; it need not be unique.
    ///
    /// # Errors
    ///
    /// * [`LimitReached`](ErrorKind::LimitReached) if memory, huge pages or descriptors are short;
    /// * [`InvalidName`](ErrorKind::InvalidName) if the name exceeds 249 bytes or has a NUL byte;
    /// * [`Invalid`](ErrorKind::Invalid) if the size is 0;
    /// * [`Unsupported`](ErrorKind::Unsupported) if the system has no huge pages of that size.
    #[doc(alias = "memfd_create")]
    pub fn create(&self, name: &str, size: usize) -> Result<Memfd> {
        let fd = self.unsized_file(name)?;
        let named = |e: Error| e.with_name(name);
        self.set_mode(&fd).map_err(named)?;
        let size = self.huge_pages.map_or(size, |pages| pages.round_up(size));
        let (sized, missing) = match (self.sparse, self.huge_pages) {
            (true, _) => (fallocate::extend(fd.as_fd(), size), size),
            (false, None) => (fallocate::reserve(fd.as_fd(), size), 0),
            (false, Some(_)) => (fallocate::reserve_huge(fd.as_fd(), size), 0),
        };
        sized.map_err(named)?;
        let memory = Memfd::new(fd, size, missing);
        let seals = Seals::SHRINK | Seals::GROW;
        memory.seal(if self.unsealed { seals } else { seals | Seals::SEAL })?;
        Ok(memory)
    }

    fn set_mode(&self, fd: &OwnedFd) -> Result<()> {
        let Some(mode) = self.exact_mode else { return Ok(()) };
        fchmod(fd, mode.checked("fchmod")?).map_err(|e| Error::from_errno("fchmod", e))
    }

    fn unsized_file(&self, name: &str) -> Result<OwnedFd> {
        let huge = self.huge_pages.map_or(MFdFlags::empty(), |pages| {
            MFdFlags::MFD_HUGETLB | MFdFlags::from_bits_retain(pages.flags())
        });
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING | huge;
        match memfd_create(name, flags | MFD_NOEXEC_SEAL) {
            // Linux before 6.3 rejects the flag.
            Err(Errno::EINVAL) => memfd_create(name, flags),
            made => made,
        }
        .map_err(|e| self.create_error(e).with_name(name))
    }

    fn create_error(&self, errno: Errno) -> Error {
        let error = Error::from_errno(MEMFD_CREATE, errno).with_limit(limits::descriptors(errno));
        match errno {
            Errno::ENODEV => error
                .with_kind(ErrorKind::Unsupported)
                .with_hint("use a size that /sys/kernel/mm/hugepages lists"),
            Errno::EINVAL => error
                .with_kind(ErrorKind::InvalidName)
                .with_hint("use at most 249 bytes without NUL as the name"),
            _ => error,
        }
    }
}
