//! A number in shared memory and a futex with priority inheritance, on libc.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::page::Page;
use crate::link::{Endpoints, Operation};

/// Connects two endpoints.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Endpoints> {
    let page = Page::new()?;
    // Each process asks for its id when it first locks.
    let me = Cell::new(0);
    Ok(Operation::of_both(move || {
        if me.get() == 0 {
            // SAFETY: because gettid(2) takes no arguments.
            me.set(unsafe { libc::syscall(libc::SYS_gettid) as u32 });
        }
        let number = page.word(0, 1);
        // SAFETY: because the word is mapped and aligned, and every process uses it as an atomic.
        let lock = unsafe { AtomicU32::from_ptr(page.word(0, 0).as_ptr().cast()) };
        if lock.compare_exchange(0, me.get(), Acquire, Relaxed).is_err() {
            futex(lock, libc::FUTEX_LOCK_PI)?;
        }
        number.store(number.load(Relaxed) + 1, Relaxed);
        if lock.compare_exchange(me.get(), 0, Release, Relaxed).is_err() {
            futex(lock, libc::FUTEX_UNLOCK_PI)?;
        }
        Ok(())
    }))
}

fn futex(lock: &AtomicU32, operation: libc::c_int) -> io::Result<()> {
    let (none, no_timeout) = (0, ptr::null::<libc::timespec>());
    // SAFETY: because these operations change the word atomically and read no timeout.
    match unsafe { libc::syscall(libc::SYS_futex, lock, operation, none, no_timeout) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
