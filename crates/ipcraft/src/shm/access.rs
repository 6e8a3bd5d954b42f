//! What memory is mapped for, and what the kernel may be told about it.

/// `PROT_READ`, or `PROT_READ | PROT_WRITE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "PROT_READ")]
#[doc(alias = "PROT_WRITE")]
pub enum Access {
    /// Reading only; others may write.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// `madvise(2)`: how memory will be used. None of it changes what the memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// `MADV_NORMAL`: no particular pattern.
    Normal,
    /// `MADV_RANDOM`: reading ahead is no use.
    Random,
    /// `MADV_SEQUENTIAL`: from start to end.
    Sequential,
    /// `MADV_WILLNEED`: soon.
    WillNeed,
    /// `MADV_HUGEPAGE`: transparent huge pages, where `/sys/kernel/mm/transparent_hugepage/shmem_enabled` says
    /// `advise`.
    HugePages,
    /// `MADV_NOHUGEPAGE`: none.
    NoHugePages,
    /// `MADV_DONTDUMP`: not in a core file.
    DontDump,
    /// `MADV_DODUMP`: in a core file after all.
    DoDump,
}

impl Advice {
    pub(super) fn number(self) -> libc::c_int {
        match self {
            Advice::Normal => libc::MADV_NORMAL,
            Advice::Random => libc::MADV_RANDOM,
            Advice::Sequential => libc::MADV_SEQUENTIAL,
            Advice::WillNeed => libc::MADV_WILLNEED,
            Advice::HugePages => libc::MADV_HUGEPAGE,
            Advice::NoHugePages => libc::MADV_NOHUGEPAGE,
            Advice::DontDump => libc::MADV_DONTDUMP,
            Advice::DoDump => libc::MADV_DODUMP,
        }
    }
}
