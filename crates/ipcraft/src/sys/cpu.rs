//! The CPU that a thread runs on, and the number of CPUs.

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// sched_getcpu(3): the CPU that this thread was running on a moment ago. It makes no system call.
#[inline]
pub(crate) fn current() -> Option<u32> {
    // SAFETY: because the call takes nothing and changes nothing.
    u32::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// sysconf(3): the number of online CPUs, cached at the first call; `u32::MAX` if unknown.
pub(crate) fn count() -> u32 {
    static COUNT: OnceLock<u32> = OnceLock::new();
    *COUNT.get_or_init(|| {
        // SAFETY: because sysconf(3) takes no pointer.
        let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        u32::try_from(count).ok().filter(|count| *count > 0).unwrap_or(u32::MAX)
    })
}
