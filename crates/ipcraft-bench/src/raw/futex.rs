//! A slot of shared memory each way and a word that tells whether it is full, on `futex(2)`.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::slot::{self, Memory, Slot};
use crate::link::{Ends, Link};

/// What the word of a slot says.
pub(crate) const EMPTY: u32 = 0;
/// The other thing that it says.
pub(crate) const FULL: u32 = 1;

/// Bytes from one word to the next, so that no two share a cache line, also when the processor fetches lines in pairs.
const APART: usize = 128;

/// The bytes that the words take behind the slots.
pub(crate) const ROOM: usize = 3 * APART;

/// Where the word of a direction is.
pub(crate) fn word(direction: usize) -> usize {
    (2 * slot::SIZE).next_multiple_of(APART) + direction * APART
}

/// The raw twin.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Ends> {
    let memory = Memory::new(ROOM)?;
    let end = |outgoing, incoming| End {
        outgoing: Lane::new(&memory, outgoing),
        incoming: Lane::new(&memory, incoming),
    };
    Ok(Ends::new(end(0, 1), end(1, 0)))
}

struct End {
    outgoing: Lane,
    incoming: Lane,
}

/// A direction.
struct Lane {
    slot: Slot,
    /// An aligned word in the memory that `slot` keeps mapped, which both processes use only as an atomic.
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

    /// Sleeps while the word says the opposite. A wait that ends early, by a signal or because the word changed first,
    /// looks at it again.
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

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.outgoing.wait_for(EMPTY, FULL)?;
        self.outgoing.slot.put(message);
        self.outgoing.set(FULL)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.incoming.wait_for(FULL, EMPTY)?;
        self.incoming.slot.take(buffer)?;
        self.incoming.set(EMPTY)
    }
}

/// `futex(2)` with `FUTEX_WAIT`, for ever, or `FUTEX_WAKE`, on a word that processes share.
#[inline]
pub(crate) fn futex(word: *const AtomicU32, operation: libc::c_int, value: u32) -> libc::c_long {
    let forever = ptr::null::<libc::timespec>();
    // SAFETY: because futex(2) with these operations only reads the word, if there is one, and no time-out.
    unsafe { libc::syscall(libc::SYS_futex, word, operation, value, forever) }
}
