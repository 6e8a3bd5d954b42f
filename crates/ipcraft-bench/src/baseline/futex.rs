//! A slot of shared memory each way and a futex, whose value is whether the slot is full.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::slot::{self, Memory, Slot};
use crate::link::{Direction, Directions, Endpoints};

/// The futex of an empty slot.
pub(crate) const EMPTY: u32 = 0;
/// The futex of a full slot.
pub(crate) const FULL: u32 = 1;

/// Bytes between words, so that no two share a cache line, even if the CPU fetches lines in pairs.
const STRIDE: usize = 128;

/// The bytes of the words behind the slots.
pub(crate) const WORDS_SIZE: usize = 3 * STRIDE;

/// Returns the offset of a direction's word.
pub(crate) fn word(direction: usize) -> usize {
    (2 * slot::SIZE).next_multiple_of(STRIDE) + direction * STRIDE
}

/// Connects two endpoints.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = Memory::new(WORDS_SIZE)?;
    Directions::connect(|direction| Ok(Lane::new(&memory, direction)))
}

/// One direction.
struct Lane {
    slot: Slot,
    /// An aligned word in the memory that `slot` keeps mapped, which both processes use only as an
    /// atomic.
    word: *const AtomicU32,
}

impl Lane {
    fn new(memory: &Rc<Memory>, direction: usize) -> Lane {
        Lane { slot: Slot::new(memory, direction), word: memory.at(word(direction)).cast() }
    }

    fn word(&self) -> &AtomicU32 {
        // SAFETY: because of the invariant on `word`.
        unsafe { &*self.word }
    }

    /// Waits until the word has one state. A wait that ends early, by a signal or because the word
    /// has changed, is repeated.
    #[inline]
    fn wait_for(&self, state: u32, opposite: u32) -> io::Result<()> {
        while self.word().load(Acquire) != state {
            if futex(self.word, libc::FUTEX_WAIT, opposite) == -1 {
                let error = io::Error::last_os_error();
                if !matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn set(&self, state: u32) -> io::Result<()> {
        self.word().store(state, Release);
        match futex(self.word, libc::FUTEX_WAKE, 1) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.wait_for(EMPTY, FULL)?;
        self.slot.put(message);
        self.set(FULL)
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.wait_for(FULL, EMPTY)?;
        self.slot.take(buffer)?;
        self.set(EMPTY)
    }
}

/// Calls `futex(2)` with `FUTEX_WAIT`, without a timeout, or `FUTEX_WAKE`, on a word that processes
/// share.
#[inline]
pub(crate) fn futex(word: *const AtomicU32, operation: libc::c_int, value: u32) -> libc::c_long {
    let no_timeout = ptr::null::<libc::timespec>();
    // SAFETY: because futex(2) with these operations only reads the word, and the null timeout not
    // at all.
    unsafe { libc::syscall(libc::SYS_futex, word, operation, value, no_timeout) }
}
