//! The process-shared pthread mutex, which several baselines use.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;

use libc::{PTHREAD_PROCESS_SHARED, c_int, pthread_mutex_t};

/// `PTHREAD_MUTEX_STALLED`: the death of the owner leaves the mutex locked.
pub(super) const STALLED: c_int = 0;
/// `PTHREAD_MUTEX_ROBUST`: the death of the owner unlocks the mutex.
pub(super) const ROBUST: c_int = 1;

/// Converts a pthread function's result, an error number, to an error.
#[inline]
pub(super) fn check(errno: c_int) -> io::Result<()> {
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

/// Initialises a mutex that is not yet in use (`pthread_mutex_init(3)`).
pub(super) fn init(mutex: *mut pthread_mutex_t, robustness: c_int) -> io::Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: because the first call initialises the attributes and the last one destroys them. The
    // mutex is memory of its type.
    unsafe {
        check(libc::pthread_mutexattr_init(attributes))?;
        let done = check(libc::pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED))
            .and_then(|()| check(libc::pthread_mutexattr_setrobust(attributes, robustness)))
            .and_then(|()| check(libc::pthread_mutex_init(mutex, attributes)));
        libc::pthread_mutexattr_destroy(attributes);
        done
    }
}

/// Locks an [initialised](init) mutex. The guarded data is always consistent here.
#[inline]
pub(super) fn lock(mutex: *mut pthread_mutex_t) -> io::Result<()> {
    // SAFETY: because the mutex is initialised.
    match unsafe { libc::pthread_mutex_lock(mutex) } {
        // SAFETY: because the mutex is initialised and owned by this thread.
        libc::EOWNERDEAD => check(unsafe { libc::pthread_mutex_consistent(mutex) }),
        errno => check(errno),
    }
}

/// Unlocks a mutex that this thread owns.
#[inline]
pub(super) fn unlock(mutex: *mut pthread_mutex_t) -> io::Result<()> {
    // SAFETY: because the mutex is initialised.
    check(unsafe { libc::pthread_mutex_unlock(mutex) })
}
