//! Finding the newest value in a ring of them.

use std::ptr::NonNull;

use crate::channel::end::{Attempt, Corrupt};
use crate::channel::seqlock::{Reader, Seen};
use crate::shm::Plain;

/// How often a value that was overwritten meanwhile is looked for again at once.
const ATTEMPTS: u32 = 64;

/// What a reader knows of the ring.
#[derive(Debug)]
pub(super) struct Newest {
    ring: Reader,
    /// The position of the first value.
    start: u64,
}

impl Newest {
    pub(super) fn new(ring: Reader, start: u64) -> Newest {
        Newest { ring, start }
    }

    /// How many bytes a value has.
    pub(super) fn size(&self) -> usize {
        self.ring.size()
    }

    /// How many values have been stored: the version of the newest, or zero.
    #[inline]
    pub(super) fn version(&self) -> u64 {
        self.ring.tail().wrapping_sub(self.start)
    }

    /// Where the newest value is, and its version, if that is not the known one.
    #[inline]
    pub(super) fn place(&mut self, known: u64) -> Attempt<(NonNull<u8>, u64)> {
        for _ in 0..ATTEMPTS {
            let version = self.version();
            if version == known {
                return Ok(None);
            }
            self.ring.go_to(self.start.wrapping_add(version).wrapping_sub(1));
            match self.ring.look()? {
                Seen::There => return Ok(Some((self.ring.place(), version))),
                Seen::Overwritten => {}
                // What is before the position has been written.
                Seen::NotYet => return Err(Corrupt),
            }
        }
        Ok(None)
    }

    /// A copy of the newest value, and its version, if that is not the known one.
    #[inline]
    pub(super) fn take<T: Plain>(&mut self, known: u64) -> Attempt<(T, u64)> {
        for _ in 0..ATTEMPTS {
            let Some((_, version)) = self.place(known)? else { return Ok(None) };
            if let Some(value) = self.read() {
                return Ok(Some((value, version)));
            }
        }
        Ok(None)
    }

    /// A copy of the value that was found; nothing if it has been overwritten.
    #[inline]
    pub(super) fn read<T: Plain>(&self) -> Option<T> {
        let value = self.ring.read();
        self.is_still_there().then_some(value)
    }

    /// Whether what was read is of the value that was found.
    #[inline]
    pub(super) fn is_still_there(&self) -> bool {
        self.ring.is_still_there()
    }
}
