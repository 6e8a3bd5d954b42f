//! A number in shared memory and a lock that guards it, on libc.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::path::Path;
use std::rc::Rc;

use libc::{PTHREAD_PROCESS_SHARED, SEM_UNDO, c_int, pthread_mutex_t, pthread_rwlock_t};

use super::pthread::{self, ROBUST, STALLED, check};
use super::sysv_semaphore::{Set, change};
use crate::baseline::page::Page;
use crate::link::{Endpoints, Operation};

/// A non-robust mutex.
pub(crate) fn plain_mutex(_scratch: &Path) -> io::Result<Endpoints> {
    mutex(STALLED)
}

/// A robust mutex, which the kernel unlocks when its owner dies.
pub(crate) fn robust_mutex(_scratch: &Path) -> io::Result<Endpoints> {
    mutex(ROBUST)
}

fn mutex(robustness: c_int) -> io::Result<Endpoints> {
    let guarded = Guarded::<pthread_mutex_t>::new()?;
    pthread::init(guarded.lock(), robustness)?;
    Ok(Operation::of_both(move || {
        pthread::lock(guarded.lock())?;
        guarded.change();
        pthread::unlock(guarded.lock())
    }))
}

/// The reading side of a pthread rwlock, which is not crash-safe.
pub(crate) fn rwlock_read(_scratch: &Path) -> io::Result<Endpoints> {
    let guarded = rwlock()?;
    Ok(Operation::of_both(move || {
        // SAFETY: because the lock is initialised.
        check(unsafe { libc::pthread_rwlock_rdlock(guarded.lock()) })?;
        guarded.read();
        unlock(&guarded)
    }))
}

/// The writing side of a pthread rwlock.
pub(crate) fn rwlock_write(_scratch: &Path) -> io::Result<Endpoints> {
    let guarded = rwlock()?;
    Ok(Operation::of_both(move || {
        // SAFETY: because the lock is initialised.
        check(unsafe { libc::pthread_rwlock_wrlock(guarded.lock()) })?;
        guarded.change();
        unlock(&guarded)
    }))
}

fn rwlock() -> io::Result<Guarded<pthread_rwlock_t>> {
    let guarded = Guarded::new()?;
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: because the first call initialises the attributes and the last one destroys them. The
    // lock is memory of its type that is not yet in use.
    unsafe {
        check(libc::pthread_rwlockattr_init(attributes))?;
        let done = check(libc::pthread_rwlockattr_setpshared(attributes, PTHREAD_PROCESS_SHARED))
            .and_then(|()| check(libc::pthread_rwlock_init(guarded.lock(), attributes)));
        libc::pthread_rwlockattr_destroy(attributes);
        done?;
    }
    Ok(guarded)
}

#[inline]
fn unlock(guarded: &Guarded<pthread_rwlock_t>) -> io::Result<()> {
    // SAFETY: because the lock is initialised and held by this thread.
    check(unsafe { libc::pthread_rwlock_unlock(guarded.lock()) })
}

/// A System V semaphore, which the kernel releases when its owner dies.
pub(crate) fn sysv_semaphore(_scratch: &Path) -> io::Result<Endpoints> {
    let guarded = Guarded::<()>::new()?;
    let set = Set::new(&[1])?;
    let id = set.id();
    let operation = move || {
        change(id, 0, -1, SEM_UNDO)?;
        guarded.change();
        change(id, 0, 1, SEM_UNDO)
    };
    Ok(Operation::of_both(operation).with_resources(set))
}

/// A lock and the number that it guards, on their own page.
struct Guarded<L> {
    page: Rc<Page>,
    _lock: PhantomData<L>,
}

impl<L> Clone for Guarded<L> {
    fn clone(&self) -> Guarded<L> {
        Guarded { page: self.page.clone(), _lock: PhantomData }
    }
}

impl<L> Guarded<L> {
    fn new() -> io::Result<Guarded<L>> {
        Ok(Guarded { page: Page::new()?, _lock: PhantomData })
    }

    /// Returns the memory of the lock, which is zero initially.
    #[inline]
    fn lock(&self) -> *mut L {
        self.page.word(0, 0).as_ptr().cast()
    }

    #[inline]
    fn number(&self) -> *mut u64 {
        self.page.word(0, size_of::<L>().div_ceil(size_of::<u64>())).as_ptr()
    }

    /// Changes the number, while this process holds the lock exclusively.
    #[inline]
    fn change(&self) {
        // SAFETY: because the word is mapped, and only the owner of the lock uses it.
        unsafe { *self.number() += 1 };
    }

    /// Reads the number, while this process holds the lock.
    #[inline]
    fn read(&self) {
        // SAFETY: because the word is mapped, and no process changes it now.
        black_box(unsafe { *self.number() });
    }
}
