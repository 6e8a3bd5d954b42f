//! Making a memfd.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::{Memfd, Seals};
use crate::error::{Error, ErrorKind, Result};
use crate::shm::HugePages;
use crate::support::{fallocate, limits};

const MEMFD_CREATE: &str = "memfd_create";

/// Non-executable for good (Linux 6.3; linux/memfd.h).
const MFD_NOEXEC_SEAL: MFdFlags = MFdFlags::from_bits_retain(0x8);

/// How to make a memfd.
///
/// ```
/// use ipcraft::shm::memfd::{Options, Seals};
///
/// let memory = Options::new().unsealed().create("doc", 4096)?;
/// memory.map()?.write_at(0, b"for ever")?; // unmapped again
/// memory.seal(Seals::WRITE | Seals::SEAL)?;
/// assert!(memory.map().is_err());
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options {
    unsealed: bool,
    huge_pages: Option<HugePages>,
}

impl Options {
    /// Sealed, of ordinary pages.
    pub fn new() -> Self {
        Options::default()
    }

    /// Leaves out [`Seals::SEAL`], so that [`Memfd::seal`] can add others later. Add it last, before a peer gets the
    /// memfd: peers require it.
    pub fn unsealed(mut self) -> Self {
        self.unsealed = true;
        self
    }

    /// `MFD_HUGETLB`: huge pages, of which the system must have free ones. The size is rounded up to whole pages.
    #[doc(alias = "MFD_HUGETLB")]
    pub fn huge_pages(mut self, pages: HugePages) -> Self {
        self.huge_pages = Some(pages);
        self
    }

    /// `memfd_create(2)`, `fallocate(2)`: makes a memfd of `size` bytes, all zero, sealed against shrinking, growing
    /// and, from Linux 6.3 on, executing.
    ///
    /// The name is for people who look into `/proc/PID/fd`; it leads nowhere and need not be unique.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if memory, huge pages or descriptors are short;
    /// [`InvalidName`](ErrorKind::InvalidName) if the name is longer than 249 bytes or has a NUL byte;
    /// [`Invalid`](ErrorKind::Invalid) if the size is 0; [`Unsupported`](ErrorKind::Unsupported) if the system has no
    /// huge pages of that size.
    #[doc(alias = "memfd_create")]
    pub fn create(&self, name: &str, size: usize) -> Result<Memfd> {
        let fd = self.unsized_file(name)?;
        let size = match self.huge_pages {
            None => fallocate::reserve(fd.as_fd(), size).map(|()| size),
            Some(pages) => {
                fallocate::reserve_huge(fd.as_fd(), pages.round_up(size)).map(|()| pages.round_up(size))
            }
        };
        let memory = Memfd::new(fd, size.map_err(|e| e.with_name(name))?);
        let seals = Seals::SHRINK | Seals::GROW;
        memory.seal(if self.unsealed { seals } else { seals | Seals::SEAL })?;
        Ok(memory)
    }

    fn unsized_file(&self, name: &str) -> Result<OwnedFd> {
        let huge = self.huge_pages.map_or(MFdFlags::empty(), |pages| {
            MFdFlags::MFD_HUGETLB | MFdFlags::from_bits_retain(pages.flags())
        });
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING | huge;
        match memfd_create(name, flags | MFD_NOEXEC_SEAL) {
            // The flag is unknown before Linux 6.3.
            Err(Errno::EINVAL) => memfd_create(name, flags),
            made => made,
        }
        .map_err(|e| self.refusal(e).with_name(name))
    }

    fn refusal(&self, errno: Errno) -> Error {
        let error = Error::from_errno(MEMFD_CREATE, errno).with_limit(limits::descriptors(errno));
        match errno {
            Errno::ENODEV => error
                .with_kind(ErrorKind::Unsupported)
                .with_hint("see /sys/kernel/mm/hugepages for the sizes"),
            Errno::EINVAL => error
                .with_kind(ErrorKind::InvalidName)
                .with_hint("a name has at most 249 bytes, and none of them is NUL"),
            _ => error,
        }
    }
}
