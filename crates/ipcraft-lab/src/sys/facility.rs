//! System calls that only show whether the kernel has a facility.
#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::AtomicU64;

use nix::Error as Errno;

/// futex(2): locks and unlocks a word with priority inheritance.
///
/// # Errors
///
/// `ENOSYS` if the kernel has no priority inheritance.
pub(crate) fn lock_and_unlock_pi(word: &AtomicU64) -> Result<(), Errno> {
    let word: *mut u32 = word.as_ptr().cast();
    for operation in [libc::FUTEX_LOCK_PI, libc::FUTEX_UNLOCK_PI] {
        // SAFETY: because the word is valid for loads and stores and is aligned, and no timeout is
        // passed.
        let done = unsafe { libc::syscall(libc::SYS_futex, word, operation, 0, 0_usize, 0_usize, 0) };
        Errno::result(done)?;
    }
    Ok(())
}

/// perf_event_open(2): opens a record of the switches of this thread, and closes it.
///
/// # Errors
///
/// `EACCES` or `EPERM` if the system does not allow it.
pub(crate) fn open_switch_events() -> Result<(), Errno> {
    const SOFTWARE: u32 = 1;
    const DUMMY: u64 = 9;
    /// disabled, exclude_kernel, exclude_hv, context_switch
    const FLAGS: u64 = 1 | 1 << 5 | 1 << 6 | 1 << 26;
    /// The first version of the structure, in words of eight bytes.
    const WORDS: usize = 8;
    const CLOEXEC: libc::c_ulong = 1 << 3;
    let mut attributes = [0_u64; WORDS];
    attributes[0] = u64::from(SOFTWARE) | ((WORDS * size_of::<u64>()) as u64) << 32;
    attributes[1] = DUMMY;
    attributes[5] = FLAGS;
    // SAFETY: because the structure states its size and is valid for reads of it.
    let opened = unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, CLOEXEC) };
    let fd = Errno::result(opened)?;
    // SAFETY: because the call returned a descriptor that nothing else owns.
    drop(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) });
    Ok(())
}

/// rseq(2): registers restartable sequences for this thread. Returns false if the C library has
/// done that. The calling process has to end soon after.
///
/// # Errors
///
/// `ENOSYS` if the kernel has none; `EPERM` if a filter refuses it.
pub(crate) fn register_rseq() -> Result<bool, Errno> {
    #[repr(C, align(32))]
    struct Area([u8; 32]);
    const SIGNATURE: u32 = 0x5305_3053;
    // The kernel writes to the area until the process ends.
    let area = Box::leak(Box::new(Area([0; 32])));
    let size = size_of::<Area>();
    // SAFETY: because the area is aligned, is valid for writes of its size, and is never freed.
    let done = unsafe { libc::syscall(libc::SYS_rseq, &raw mut *area, size, 0, SIGNATURE) };
    match Errno::result(done) {
        Ok(_) => Ok(true),
        // Another area is registered already.
        Err(Errno::EINVAL | Errno::EBUSY) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// prctl(2): asks whether this thread has a slice extension.
///
/// # Errors
///
/// `EINVAL` if the kernel has none; `ENOTSUPP` if it is switched off.
pub(crate) fn slice_extension() -> Result<(), Errno> {
    const PR_RSEQ_SLICE_EXTENSION: libc::c_int = 79;
    const GET: libc::c_ulong = 1;
    // SAFETY: because the operation takes no pointer.
    Errno::result(unsafe { libc::prctl(PR_RSEQ_SLICE_EXTENSION, GET, 0_usize, 0_usize, 0_usize) }).map(drop)
}

/// sched_setscheduler(2): moves this thread to the class that a BPF program schedules.
///
/// # Errors
///
/// `EINVAL` if the kernel has no such class.
pub(crate) fn become_sched_ext() -> Result<(), Errno> {
    const SCHED_EXT: libc::c_int = 7;
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: because the structure is valid for a read, and 0 names this thread.
    Errno::result(unsafe { libc::sched_setscheduler(0, SCHED_EXT, &raw const parameters) }).map(drop)
}
