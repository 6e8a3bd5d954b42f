//! Huge pages.

use crate::support::limits;

/// A size of huge pages.
///
/// `/sys/kernel/mm/hugepages` lists the sizes that the machine supports. `/proc/meminfo` shows how
/// many pages of the default size are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HugePages {
    /// Base-2 logarithm of the size in bytes; 0 is the default size, as in the kernel's flags.
    log: u32,
}

impl HugePages {
    /// The system's default size, which is 2 MiB on most machines.
    pub const DEFAULT: HugePages = HugePages { log: 0 };
    /// 64 KiB, on some aarch64 machines.
    pub const SIZE_64K: HugePages = HugePages { log: 16 };
    /// 2 MiB.
    pub const SIZE_2M: HugePages = HugePages { log: 21 };
    /// 32 MiB, on some aarch64 machines.
    pub const SIZE_32M: HugePages = HugePages { log: 25 };
    /// 1 GiB.
    pub const SIZE_1G: HugePages = HugePages { log: 30 };

    /// Returns `MFD_HUGE_…`, whose encoding `SHM_HUGE_…` shares (memfd_create(2), shmget(2)).
    pub(super) const fn flags(self) -> u32 {
        self.log << libc::MFD_HUGE_SHIFT
    }

    /// Rounds `bytes` up to whole pages. Returns `bytes` on overflow, or if there are no huge
    /// pages.
    pub(super) fn round_up(self, bytes: usize) -> usize {
        self.size().and_then(|page| bytes.checked_next_multiple_of(page)).unwrap_or(bytes)
    }

    fn size(self) -> Option<usize> {
        match self.log {
            0 => limits::default_huge_page(),
            log => Some(1 << log),
        }
    }
}
