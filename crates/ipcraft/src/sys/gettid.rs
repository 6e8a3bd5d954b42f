//! gettid(2).

#![allow(unsafe_code)]

/// Returns the kernel's id of the calling thread. The C library's copy can be that of a parent.
pub(crate) fn gettid() -> u32 {
    // SAFETY: because gettid(2) takes no arguments.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}
