//! The presence of a mapping's pages: populating, locking, and advice.

#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sys::mman::{mlock, munlock};

use super::{Access, Advice, Mapping};
use crate::error::{ErrorKind, Limit, Result};
use crate::support::limits;
use crate::sys::mincore;

impl Mapping {
    /// `madvise(2)` with `MADV_POPULATE_WRITE` (`MADV_POPULATE_READ` if read-only): makes every
    /// page present now, so that later accesses take no page fault.
    ///
    /// # Errors
    ///
    /// * [`Unsupported`](ErrorKind::Unsupported) before Linux 5.14;
    /// * [`LimitReached`](ErrorKind::LimitReached) if the machine, the control group or the file
    ///   system has too little memory for the pages that are missing.
    #[doc(alias = "MADV_POPULATE_WRITE")]
    pub fn populate(&self) -> Result<()> {
        self.check_memory("madvise")?;
        let advice = match self.access {
            Access::ReadOnly => libc::MADV_POPULATE_READ,
            Access::ReadWrite => libc::MADV_POPULATE_WRITE,
        };
        self.madvise(advice).map_err(|e| match e.errno() {
            Some(libc::EINVAL) => e
                .with_kind(ErrorKind::Unsupported)
                .with_hint("touch the pages instead; populating needs Linux 5.14"),
            // An access would raise SIGBUS (madvise(2)).
            Some(libc::EFAULT) => e
                .with_kind(ErrorKind::LimitReached)
                .with_hint("free space in the file system, or map the object again"),
            _ => e,
        })
    }

    /// Fails if the missing pages exceed what the machine or the control group has left. The kernel
    /// would kill a process.
    fn check_memory(&self, operation: &'static str) -> Result<()> {
        if self.missing == 0 {
            return Ok(());
        }
        let Some(limit) = limits::available_memory(self.missing).filter(Limit::is_exceeded) else {
            return Ok(());
        };
        let enough = usize::try_from(limit.value).unwrap_or(usize::MAX);
        // The check is a precaution. The call itself reports what is wrong with the range.
        let absent = mincore::absent_bytes(self.start, self.length, enough).unwrap_or(0).min(self.missing);
        match limits::check_memory(operation, absent) {
            Err(_) if self.has_huge_pages() => Ok(()),
            checked => checked.map_err(|e| e.with_object(self.name.as_ref())),
        }
    }

    /// Whether the mapping takes huge pages, which come from a pool of their own.
    fn has_huge_pages(&self) -> bool {
        let ordinary = mincore::page_size().unwrap_or(usize::MAX);
        limits::page_size_at(self.start.addr().get()).is_some_and(|size| size > ordinary)
    }

    /// `madvise(2)`: advises the kernel how the memory will be used.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the kernel was built without the feature (huge pages).
    #[doc(alias = "madvise")]
    pub fn advise(&self, advice: Advice) -> Result<()> {
        self.madvise(advice.number())
    }

    fn madvise(&self, advice: libc::c_int) -> Result<()> {
        // SAFETY: because the range is mapped, and no advice passed here unmaps it or changes its
        // contents (madvise(2)).
        let outcome = unsafe { libc::madvise(self.start.as_ptr().cast(), self.length, advice) };
        Errno::result(outcome).map(drop).map_err(|e| self.failed("madvise", e))
    }

    /// `mlock(2)`: makes every page present and keeps it in memory until
    /// [`unlock`](Mapping::unlock) or drop. A forked child does not inherit the lock.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) with `RLIMIT_MEMLOCK` if it exceeds that limit, or
    /// with the limit of memory as for [`populate`](Mapping::populate).
    #[doc(alias = "mlock")]
    pub fn lock(&self) -> Result<()> {
        self.check_memory("mlock")?;
        // SAFETY: because locking a mapped range changes nothing but its residence (mlock(2)).
        unsafe { mlock(self.start.cast(), self.length) }.map_err(|e| {
            self.failed("mlock", e).with_kind(ErrorKind::LimitReached).with_limit(limits::locked(self.length))
        })
    }

    /// `munlock(2)`: allows the kernel to swap the pages out again.
    #[doc(alias = "munlock")]
    pub fn unlock(&self) -> Result<()> {
        // SAFETY: because unlocking a mapped range changes nothing but its residence (mlock(2)).
        unsafe { munlock(self.start.cast(), self.length) }.map_err(|e| self.failed("munlock", e))
    }
}
