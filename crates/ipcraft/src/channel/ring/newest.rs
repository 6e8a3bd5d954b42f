//! Finding the newest value in a ring of them.

use std::ptr::NonNull;

use crate::channel::ring::seqlock::{Reader, SlotStatus};
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::tuning::MAX_LOAD_RETRIES;
use crate::shm::Plain;

/// What a reader knows of the ring.
#[derive(Debug)]
pub(crate) struct Newest {
    ring: Reader,
    /// The position of the first value.
    start: u64,
}

impl Newest {
    pub(crate) fn new(ring: Reader, start: u64) -> Newest {
        Newest { ring, start }
    }

    /// How many values have been stored: the version of the newest, or zero.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.ring.tail().wrapping_sub(self.start)
    }

    /// Where the newest value is, and its version, if that is not the known one.
    #[inline]
    pub(crate) fn slot_ptr(&mut self, known: u64) -> TryResult<(NonNull<u8>, u64)> {
        for _ in 0..MAX_LOAD_RETRIES {
            let version = self.version();
            if version == known {
                return Ok(None);
            }
            self.ring.seek(self.start.wrapping_add(version).wrapping_sub(1));
            match self.ring.status()? {
                SlotStatus::Present => return Ok(Some((self.ring.slot_ptr(), version))),
                // A writer publishes its position before it overwrites the value before that.
                SlotStatus::Overwritten if self.version() == version => return Err(Corrupt),
                SlotStatus::Overwritten => {}
                // What is before the position has been written.
                SlotStatus::NotYet => return Err(Corrupt),
            }
        }
        Ok(None)
    }

    /// A copy of the newest value, and its version, if that is not the known one.
    #[inline]
    pub(crate) fn take<T: Plain>(&mut self, known: u64) -> TryResult<(T, u64)> {
        for _ in 0..MAX_LOAD_RETRIES {
            let Some((_, version)) = self.slot_ptr(known)? else { return Ok(None) };
            if let Some(value) = self.read() {
                return Ok(Some((value, version)));
            }
        }
        Ok(None)
    }

    /// A copy of the value that was found; nothing if it has been overwritten.
    #[inline]
    pub(crate) fn read<T: Plain>(&self) -> Option<T> {
        let value = self.ring.read();
        self.validate().then_some(value)
    }

    /// Whether what was read is of the value that was found.
    #[inline]
    pub(crate) fn validate(&self) -> bool {
        self.ring.validate()
    }
}
