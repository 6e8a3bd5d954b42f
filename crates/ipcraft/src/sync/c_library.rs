//! The robust mutex of the C library: how it is made, and what the library stores in it.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use libc::{PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PROCESS_SHARED, pthread_mutex_t};
use nix::errno::Errno;

use crate::sys::ffi::PTHREAD_MUTEX_ROBUST;
use crate::sys::gettid::gettid;

/// The errno for a process that was made without the knowledge of the C library.
pub(super) const UNKNOWN_PROCESS: Errno = Errno::EPERM;

/// `pthread_mutex_init(3)` for a mutex that is robust, process-shared and error-checking.
///
/// An error-checking mutex that its own thread locks fails with `EDEADLK`. The C library compares
/// the owner only if the mutex is taken, so a free mutex costs the same as one of type `NORMAL`.
///
/// # Safety
///
/// `mutex` is valid for writes, and no other thread uses it.
pub(super) unsafe fn init(mutex: *mut pthread_mutex_t) -> nix::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: because the attributes are initialized before they are used and destroyed last, and
    // the caller vouches for the mutex.
    unsafe {
        result(libc::pthread_mutexattr_init(attributes))?;
        let outcome = result(libc::pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED))
            .and_then(|()| result(libc::pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST)))
            .and_then(|()| result(libc::pthread_mutexattr_settype(attributes, PTHREAD_MUTEX_ERRORCHECK)))
            .and_then(|()| result(libc::pthread_mutex_init(mutex, attributes)));
        libc::pthread_mutexattr_destroy(attributes);
        outcome
    }
}

/// Checks that the C library and the kernel know the calling thread, as robust mutexes require.
///
/// In a child of a raw clone(2) the C library still stores the thread id of the parent. The kernel
/// has no list of the child's robust mutexes, so it would release none of them.
///
/// # Errors
///
/// [`UNKNOWN_PROCESS`].
pub(super) fn check_thread() -> nix::Result<()> {
    let locked = lock_own_mutex()?;
    let known = locked.is_registered && locked.owner_word_index.is_some();
    if known { Ok(()) } else { Err(UNKNOWN_PROCESS) }
}

/// Returns the index of the 32-bit word of a mutex that holds its owner.
///
/// The index depends on the C library; locking a mutex reveals it.
pub(super) fn owner_word_index() -> usize {
    static INDEX: OnceLock<usize> = OnceLock::new();
    *INDEX.get_or_init(|| lock_own_mutex().ok().and_then(|locked| locked.owner_word_index).unwrap_or(0))
}

/// What a locked mutex of the calling thread shows.
struct Locked {
    /// The first word with the id of the thread.
    owner_word_index: Option<usize>,
    /// Whether the kernel has a list of the thread's robust mutexes, or the answer is unknown.
    is_registered: bool,
}

fn lock_own_mutex() -> nix::Result<Locked> {
    const WORDS: usize = size_of::<pthread_mutex_t>() / size_of::<u32>();
    let mut mutex = MaybeUninit::<pthread_mutex_t>::zeroed();
    let mutex = mutex.as_mut_ptr();
    // SAFETY: because the mutex is a variable of this thread, which initializes it before use, and
    // unlocks it before its end. A mutex consists of this many words.
    let words = unsafe {
        init(mutex)?;
        result(libc::pthread_mutex_lock(mutex))?;
        mutex.cast::<[u32; WORDS]>().read()
    };
    // A C library may register the thread only when it first locks a robust mutex.
    let is_registered = has_robust_list();
    // SAFETY: because this thread locked the mutex.
    unsafe { libc::pthread_mutex_unlock(mutex) };
    let owner = gettid();
    let owner_word_index = words.iter().position(|word| word & libc::FUTEX_TID_MASK == owner);
    Ok(Locked { owner_word_index, is_registered })
}

/// `get_robust_list(2)` of the calling thread. True if a filter of system calls refuses it.
fn has_robust_list() -> bool {
    let (mut head, mut length) = (ptr::null_mut::<libc::c_void>(), 0_usize);
    let this_thread = 0;
    // SAFETY: because get_robust_list(2) writes one pointer and one size, to variables of these
    // types.
    let asked = unsafe { libc::syscall(libc::SYS_get_robust_list, this_thread, &mut head, &mut length) };
    asked != 0 || !head.is_null()
}

pub(super) fn result(errno: libc::c_int) -> nix::Result<()> {
    if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) }
}
