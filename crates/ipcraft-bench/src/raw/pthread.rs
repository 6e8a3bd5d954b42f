//! What the twins of the locks share: the mutex of the C library, set up for processes.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;

use libc::{PTHREAD_PROCESS_SHARED, c_int, pthread_mutex_t};

/// Whether a mutex survives its owner, as `pthread_mutexattr_setrobust(3)` knows it.
pub(super) const STALLED: c_int = 0;
/// The other one.
pub(super) const ROBUST: c_int = 1;

/// Turns an error number, which is what these functions return, into an error.
#[inline]
pub(super) fn check(errno: c_int) -> io::Result<()> {
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

/// `pthread_mutex_init(3)`, on memory for a mutex that nobody uses yet.
pub(super) fn init(mutex: *mut pthread_mutex_t, robustness: c_int) -> io::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: because the attributes are initialised by the first call, used by the next ones and destroyed by the last,
    // and the mutex is memory of its type.
    unsafe {
        check(libc::pthread_mutexattr_init(attributes))?;
        let done = check(libc::pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED))
            .and_then(|()| check(libc::pthread_mutexattr_setrobust(attributes, robustness)))
            .and_then(|()| check(libc::pthread_mutex_init(mutex, attributes)));
        libc::pthread_mutexattr_destroy(attributes);
        done
    }
}

/// `pthread_mutex_lock(3)`, on a mutex that was [initialised](init). What it guards here is never in disorder.
#[inline]
pub(super) fn lock(mutex: *mut pthread_mutex_t) -> io::Result<()> {
    // SAFETY: because the mutex is initialised.
    match unsafe { libc::pthread_mutex_lock(mutex) } {
        // SAFETY: because the mutex is initialised, and this thread's.
        libc::EOWNERDEAD => check(unsafe { libc::pthread_mutex_consistent(mutex) }),
        errno => check(errno),
    }
}

/// `pthread_mutex_unlock(3)`, by the thread that has it.
#[inline]
pub(super) fn unlock(mutex: *mut pthread_mutex_t) -> io::Result<()> {
    // SAFETY: because the mutex is initialised.
    check(unsafe { libc::pthread_mutex_unlock(mutex) })
}
