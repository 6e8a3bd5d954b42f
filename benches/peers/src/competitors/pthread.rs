//! A mutex of glibc in shared memory, called directly.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use libc::{EOWNERDEAD, PTHREAD_MUTEX_ROBUST, PTHREAD_MUTEX_STALLED, c_int, pthread_mutex_t};

use super::locks::Page;
use crate::message::Result;
use crate::work::Lock;

/// A process-shared mutex and the number that it guards.
pub(crate) struct Mutex {
    mutex: NonNull<pthread_mutex_t>,
    number: NonNull<u64>,
    /// The memory of both.
    _page: Page,
}

impl Mutex {
    /// Takes a mutex that another process has initialised.
    pub(crate) fn attach(page: Page) -> Result<Mutex> {
        Ok(Mutex { mutex: page.lock()?.cast(), number: page.number()?, _page: page })
    }

    /// Initialises a mutex. A robust one is released when its owner dies.
    pub(crate) fn create(page: Page, robust: bool) -> Result<Mutex> {
        let mutex = Mutex::attach(page)?;
        let robustness = if robust { PTHREAD_MUTEX_ROBUST } else { PTHREAD_MUTEX_STALLED };
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: because the first call initialises the attributes and the last one destroys them.
        // The mutex is memory of its type that is not yet in use.
        unsafe {
            check(libc::pthread_mutexattr_init(attributes))?;
            let done = check(libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED))
                .and_then(|()| check(libc::pthread_mutexattr_setrobust(attributes, robustness)))
                .and_then(|()| check(libc::pthread_mutex_init(mutex.mutex.as_ptr(), attributes)));
            libc::pthread_mutexattr_destroy(attributes);
            done?;
        }
        Ok(mutex)
    }
}

impl Lock for Mutex {
    #[inline]
    fn locked(&mut self, change: impl FnOnce(&mut u64)) -> Result<()> {
        let mutex = self.mutex.as_ptr();
        // SAFETY: because the mutex is mapped and initialised.
        match unsafe { libc::pthread_mutex_lock(mutex) } {
            // SAFETY: because this thread holds the mutex.
            EOWNERDEAD => check(unsafe { libc::pthread_mutex_consistent(mutex) })?,
            error => check(error)?,
        }
        // SAFETY: because the number is mapped, and only the owner of the mutex uses it.
        change(unsafe { self.number.as_mut() });
        // SAFETY: because this thread holds the mutex.
        Ok(check(unsafe { libc::pthread_mutex_unlock(mutex) })?)
    }
}

fn check(error: c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}
