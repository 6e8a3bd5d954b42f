//! The slots of a ring: each a word that says what is in it, and room for one message of fixed size.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::atomic::AtomicU64;
use super::value::{self, SMALL};
use crate::shm::Plain;

/// The word before a message.
const WORD: usize = size_of::<AtomicU64>();

/// A cache line.
const LINE: usize = 64;

/// Where word and message of a slot are, which depends on nothing but the size of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// From one slot to the next.
    pub(super) stride: usize,
    /// From the word to the message.
    message: usize,
}

impl Geometry {
    /// A small message shares one line with its word, so that one line carries both from core to core: the stride then
    /// divides the line. A large one begins on a line of its own, as vectors are fastest there.
    pub(super) const fn new(size: usize) -> Option<Geometry> {
        if size <= LINE - WORD {
            let mut stride = 2 * WORD;
            while stride < WORD + size {
                stride *= 2;
            }
            Some(Geometry { stride, message: WORD })
        } else if size <= 2 * SMALL {
            Some(Geometry { stride: WORD + size.next_multiple_of(WORD), message: WORD })
        } else {
            match size.checked_next_multiple_of(LINE) {
                Some(lines) => Some(Geometry { stride: lines + LINE, message: LINE }),
                None => None,
            }
        }
    }

    /// The bytes that so many slots take.
    pub(super) fn room(self, slots: u64) -> Option<usize> {
        self.stride.checked_mul(usize::try_from(slots).ok()?).filter(|room| *room <= isize::MAX as usize)
    }
}

/// As many slots as a power of two, in memory that others write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    /// The first of them; aligned to a line.
    start: NonNull<u8>,
    /// One less than their number.
    mask: u64,
    geometry: Geometry,
    size: usize,
}

impl Slots {
    /// Slots for messages of `size` bytes.
    ///
    /// # Safety
    ///
    /// `count` is a power of two; from `start` on, which is aligned to a line, `geometry.room(count)` bytes stay mapped and
    /// writable for as long as the result or a copy of it is used, and nobody of this process accesses them but through
    /// such.
    pub(super) unsafe fn new(start: NonNull<u8>, count: u64, geometry: Geometry, size: usize) -> Slots {
        Slots { start, mask: count - 1, geometry, size }
    }

    /// How many there are.
    #[inline]
    pub(super) fn count(&self) -> u64 {
        self.mask + 1
    }

    /// How many bytes a message has.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The word of the slot for this position.
    #[inline]
    pub(super) fn word(&self, position: u64) -> &AtomicU64 {
        // SAFETY: because the place is within the slots, which `new` was promised, and aligned, as start and stride are;
        // any bytes are an atomic.
        unsafe { self.slot(position).cast().as_ref() }
    }

    /// Where the message of this position lies.
    #[inline]
    pub(super) fn message(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the message is within its slot.
        unsafe { self.slot(position).add(self.geometry.message) }
    }

    #[inline]
    fn slot(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the mask keeps the number below that of the slots, which all are in the memory.
        unsafe { self.start.add((position & self.mask) as usize * self.geometry.stride) }
    }

    /// Copies a message into its slot. The type is that of which the slots have the size.
    #[inline]
    pub(super) fn write<T: Plain>(&self, position: u64, message: &T) {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because the slot has room for the type, and its alignment is that of a word.
        unsafe { value::write(self.message(position), message) };
    }

    /// Copies a message out of its slot: bytes that somebody wrote, at whatever time.
    #[inline]
    pub(super) fn read<T: Plain>(&self, position: u64) -> T {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because of the same as in `write`.
        unsafe { value::read(self.message(position)) }
    }
}
