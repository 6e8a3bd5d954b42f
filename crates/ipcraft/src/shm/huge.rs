//! Huge pages.

use crate::support::limits;

/// Which huge pages memory is made of. What the machine has is listed in `/sys/kernel/mm/hugepages`; how many of the
/// default size are free, in `/proc/meminfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HugePages {
    /// Base-2 logarithm of the size in bytes; 0 is the default size, as in the flags of the kernel.
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

    /// `MFD_HUGE_…` and `SHM_HUGE_…`, which have the same encoding (memfd_create(2), shmget(2)).
    pub(super) const fn flags(self) -> u32 {
        self.log << libc::MFD_HUGE_SHIFT
    }

    /// `bytes` in whole pages; unchanged if that is more than can be expressed, or if there are no huge pages at all.
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
