//! A `sem_t` in memory that processes share.

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

/// How many bytes a semaphore takes.
pub(super) const SIZE: usize = size_of::<sem_t>();

/// Where C libraries keep the note that processes share it, behind value and waiters; it never changes, and is not
/// zero.
const SHARED_NOTE: Range<usize> = 8..12;

/// The bytes of a semaphore of this value that nobody waits for.
pub(super) fn image(value: u32) -> nix::Result<[u8; SIZE]> {
    let mut semaphore = MaybeUninit::<sem_t>::zeroed();
    // SAFETY: because sem_init(3) writes one sem_t, to a variable of that type; 1 stands for sharing between processes.
    Errno::result(unsafe { libc::sem_init(semaphore.as_mut_ptr(), 1, value) })?;
    // SAFETY: because the bytes were zero to start with, so all of them have a value, whichever sem_init(3) wrote.
    Ok(unsafe { semaphore.as_ptr().cast::<[u8; SIZE]>().read() })
}

/// Access to a semaphore.
#[derive(Debug)]
pub(super) struct Raw {
    /// A sem_t within `_memory`, aligned and writable. Only sem_… functions touch it, which do so atomically.
    at: NonNull<sem_t>,
    _memory: Arc<Mapping>,
}

// SAFETY: because a semaphore in shared memory may be used from any thread (sem_overview(7)).
unsafe impl Send for Raw {}
// SAFETY: because a semaphore in shared memory may be used by several threads at once (sem_overview(7)).
unsafe impl Sync for Raw {}

impl Raw {
    /// Writes a new semaphore there, as sem_init(3) would make it.
    pub(super) fn init(memory: &Arc<Mapping>, offset: usize, image: &[u8; SIZE]) -> Result<Raw> {
        let raw = Raw::place(memory, offset)?;
        memory.write_at(offset, image)?;
        Ok(raw)
    }

    /// Takes the semaphore that is there.
    pub(super) fn find(memory: &Arc<Mapping>, offset: usize) -> Result<Raw> {
        let raw = Raw::place(memory, offset)?;
        let mut found = [0; SIZE];
        memory.read_at(offset, &mut found)?;
        match image(0) {
            Ok(expected) if expected[SHARED_NOTE] == found[SHARED_NOTE] => Ok(raw),
            _ => Err(Error::new("sem_open", ErrorKind::WrongType)
                .with_hint("what is there is no semaphore that processes can share")),
        }
    }

    fn place(memory: &Arc<Mapping>, offset: usize) -> Result<Raw> {
        if memory.access() == Access::ReadOnly {
            return Err(Error::new("sem_open", ErrorKind::PermissionDenied)
                .with_hint("a semaphore needs memory that is mapped for writing"));
        }
        let at = memory.pointer(offset, SIZE, align_of::<sem_t>())?.cast();
        Ok(Raw { at, _memory: memory.clone() })
    }

    #[inline]
    pub(super) fn wait(&self) -> nix::Result<()> {
        // SAFETY: because of the invariant on `at`.
        retry(|| done(unsafe { libc::sem_wait(self.at.as_ptr()) }))
    }

    #[inline]
    pub(super) fn try_wait(&self) -> nix::Result<()> {
        // SAFETY: because of the invariant on `at`.
        retry(|| done(unsafe { libc::sem_trywait(self.at.as_ptr()) }))
    }

    pub(super) fn wait_until(&self, deadline: Deadline) -> nix::Result<()> {
        let Some(until) = deadline.absolute() else { return self.wait() };
        // SAFETY: because of the invariant on `at`, and because the time is only read.
        retry(|| done(unsafe { sem_clockwait(self.at.as_ptr(), libc::CLOCK_MONOTONIC, until.as_ref()) }))
    }

    #[inline]
    pub(super) fn post(&self) -> nix::Result<()> {
        // SAFETY: because of the invariant on `at`.
        done(unsafe { libc::sem_post(self.at.as_ptr()) })
    }

    pub(super) fn value(&self) -> nix::Result<u32> {
        let mut value = 0;
        // SAFETY: because of the invariant on `at`, and because sem_getvalue(3) writes one int, to a variable of that
        // type.
        done(unsafe { libc::sem_getvalue(self.at.as_ptr(), &raw mut value) })?;
        Ok(value as u32)
    }
}

#[inline]
fn done(status: c_int) -> nix::Result<()> {
    if status == -1 { Err(Errno::last()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_is_the_same_for_every_value_and_differs_from_a_private_semaphores() {
        let (none, many) = (image(0).unwrap(), image(7).unwrap());
        assert_ne!(none, many);
        assert_eq!(none[SHARED_NOTE], many[SHARED_NOTE]);
        assert_ne!(none[SHARED_NOTE], [0; 4]);
    }
}
