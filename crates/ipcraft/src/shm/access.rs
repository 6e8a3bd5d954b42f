//! Access modes of a mapping, and advice to the kernel about its use.

/// `PROT_READ`, or `PROT_READ | PROT_WRITE`.
///
/// Exhaustive on purpose: memory that is mapped without `PROT_READ` has no use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "PROT_READ")]
#[doc(alias = "PROT_WRITE")]
pub enum Access {
    /// Reading only; other processes may still write.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// `madvise(2)`: how memory will be used. Advice never changes the contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// `MADV_NORMAL`: no particular pattern.
    Normal,
    /// `MADV_RANDOM`: random accesses; read-ahead is useless.
    Random,
    /// `MADV_SEQUENTIAL`: accesses from start to end.
    Sequential,
    /// `MADV_WILLNEED`: accesses soon.
    WillNeed,
    /// `MADV_HUGEPAGE`: transparent huge pages, if
    /// `/sys/kernel/mm/transparent_hugepage/shmem_enabled` is `advise`.
    HugePages,
    /// `MADV_NOHUGEPAGE`: no transparent huge pages.
    NoHugePages,
    /// `MADV_DONTDUMP`: excluded from core files.
    DontDump,
    /// `MADV_DODUMP`: included in core files, undoing `MADV_DONTDUMP`.
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
