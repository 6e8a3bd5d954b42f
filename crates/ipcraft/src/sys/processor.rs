//! Which processor a thread runs on.

#![allow(unsafe_code)]

/// `sched_getcpu(3)`: the number of the processor that this thread runs on, as of a moment ago; the C library asks no
/// kernel for it.
#[inline]
pub(crate) fn current() -> Option<u32> {
    // SAFETY: because the call takes nothing and changes nothing.
    u32::try_from(unsafe { libc::sched_getcpu() }).ok()
}
