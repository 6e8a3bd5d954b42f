//! A `sem_t` in shared memory.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use libc::{c_int, sem_t};
use nix::errno::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::shm::{Access, Mapping};
use crate::sys::ffi::sem_clockwait;
use crate::sys::retry;
use crate::time::Deadline;

/// Bytes of a semaphore.
pub(super) const SIZE: usize = size_of::<sem_t>();

/// Bytes in which C libraries mark a semaphore as process-shared, after value and waiters. The mark
/// is constant and not zero.
const SHARED_MARK: Range<usize> = 8..12;

/// Returns the bytes of a semaphore with this value and no waiters.
pub(super) fn image(value: u32) -> nix::Result<[u8; SIZE]> {
    let mut semaphore = MaybeUninit::<sem_t>::zeroed();
    // SAFETY: because sem_init(3) writes one sem_t, to a variable of that type; 1 means
    // process-shared.
    Errno::result(unsafe { libc::sem_init(semaphore.as_mut_ptr(), 1, value) })?;
    // SAFETY: because the bytes were zeroed, so all of them are initialized, whichever ones
    // sem_init(3) wrote.
    Ok(unsafe { semaphore.as_ptr().cast::<[u8; SIZE]>().read() })
}

/// A semaphore within a mapping.
#[derive(Debug)]
pub(super) struct Raw {
    /// An aligned, writable sem_t within `_memory`, accessed by sem_… functions only, which are
    /// atomic.
    at: NonNull<sem_t>,
    _memory: Arc<Mapping>,
}

// SAFETY: because a semaphore in shared memory may be used from any thread (sem_overview(7)).
unsafe impl Send for Raw {}
// SAFETY: because a semaphore in shared memory may be used by several threads concurrently
// (sem_overview(7)).
unsafe impl Sync for Raw {}

impl Raw {
    /// Writes a new semaphore at `offset`, as sem_init(3) would.
    pub(super) fn init(memory: &Arc<Mapping>, offset: usize, image: &[u8; SIZE]) -> Result<Raw> {
        let raw = Raw::locate(memory, offset)?;
        memory.write_at(offset, image)?;
        Ok(raw)
    }

    /// Attaches to the semaphore at `offset`.
    pub(super) fn find(memory: &Arc<Mapping>, offset: usize) -> Result<Raw> {
        let raw = Raw::locate(memory, offset)?;
        let mut found = [0; SIZE];
        memory.read_at(offset, &mut found)?;
        match image(0) {
            Ok(expected) if expected[SHARED_MARK] == found[SHARED_MARK] => Ok(raw),
            _ => Err(Error::new("sem_open", ErrorKind::WrongType)
                .with_hint("initialize a process-shared semaphore there first")),
        }
    }

    fn locate(memory: &Arc<Mapping>, offset: usize) -> Result<Raw> {
        if memory.access() == Access::ReadOnly {
            return Err(Error::new("sem_open", ErrorKind::PermissionDenied)
                .with_hint("map the memory for reading and writing"));
        }
        let at = memory.pointer(offset, SIZE, align_of::<sem_t>())?.cast();
        Ok(Raw { at, _memory: memory.clone() })
    }

    #[inline]
    pub(super) fn wait(&self) -> nix::Result<()> {
        // SAFETY: because of the invariant on `at`.
        retry(|| check(unsafe { libc::sem_wait(self.at.as_ptr()) }))
    }

    #[inline]
    pub(super) fn try_wait(&self) -> nix::Result<()> {
        // SAFETY: because of the invariant on `at`.
        retry(|| check(unsafe { libc::sem_trywait(self.at.as_ptr()) }))
    }

    pub(super) fn wait_until(&self, deadline: Deadline) -> nix::Result<()> {
        let Some(until) = deadline.absolute() else { return self.wait() };
        // SAFETY: because of the invariant on `at`, and because sem_clockwait(3) only reads the
        // time.
        retry(|| check(unsafe { sem_clockwait(self.at.as_ptr(), libc::CLOCK_MONOTONIC, until.as_ref()) }))
    }

    #[inline]
    pub(super) fn post(&self) -> nix::Result<()> {
        // SAFETY: because of the invariant on `at`.
        check(unsafe { libc::sem_post(self.at.as_ptr()) })
    }

    pub(super) fn value(&self) -> nix::Result<u32> {
        let mut value = 0;
        // SAFETY: because of the invariant on `at`, and because sem_getvalue(3) writes one int, to
        // a variable of that type.
        check(unsafe { libc::sem_getvalue(self.at.as_ptr(), &raw mut value) })?;
        Ok(value as u32)
    }
}

#[inline]
fn check(status: c_int) -> nix::Result<()> {
    if status == -1 { Err(Errno::last()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_mark_is_equal_for_all_values_and_not_zero() {
        let (none, many) = (image(0).unwrap(), image(7).unwrap());
        assert_ne!(none, many);
        assert_eq!(none[SHARED_MARK], many[SHARED_MARK]);
        assert_ne!(none[SHARED_MARK], [0; 4]);
    }
}
