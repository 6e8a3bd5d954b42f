//! Which processor a thread runs on, and how many there are.

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// `sched_getcpu(3)`: the number of the processor that this thread runs on, as of a moment ago; the C library asks no
/// kernel for it.
#[inline]
pub(crate) fn current() -> Option<u32> {
    // SAFETY: because the call takes nothing and changes nothing.
    u32::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// How many processors are in use, as of the first time that this process asked; more than any number if that is unknown.
pub(crate) fn count() -> u32 {
    static COUNT: OnceLock<u32> = OnceLock::new();
    *COUNT.get_or_init(|| {
        // SAFETY: because sysconf(3) takes no pointer.
        let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        u32::try_from(count).ok().filter(|count| *count > 0).unwrap_or(u32::MAX)
    })
}
