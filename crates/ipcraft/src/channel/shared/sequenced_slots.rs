//! The slots of a ring: each a word that says what is in it, and room for one message of fixed size.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use crate::channel::shared::atomic::AtomicU64;
use crate::channel::shared::copy;
use crate::channel::tuning::MAX_WORDWISE_VALUE;
use crate::shm::Plain;

/// The word before a message.
const WORD: usize = size_of::<AtomicU64>();

/// A cache line.
const LINE: usize = 64;

/// Where word and message of a slot are, which depends on nothing but the size of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotLayout {
    /// From one slot to the next.
    pub(crate) stride: usize,
    /// From the word to the message.
    message: usize,
}

impl SlotLayout {
    /// A small message shares one line with its word, so that one line carries both from core to core: the stride then
    /// divides the line. A large one begins on a line of its own, as vectors are fastest there.
    pub(crate) const fn new(size: usize) -> Option<SlotLayout> {
        if size <= LINE - WORD {
            let mut stride = 2 * WORD;
            while stride < WORD + size {
                stride *= 2;
            }
            Some(SlotLayout { stride, message: WORD })
        } else if size <= 2 * MAX_WORDWISE_VALUE {
            Some(SlotLayout { stride: WORD + size.next_multiple_of(WORD), message: WORD })
        } else {
            match size.checked_next_multiple_of(LINE) {
                Some(lines) => Some(SlotLayout { stride: lines + LINE, message: LINE }),
                None => None,
            }
        }
    }

    /// The bytes that so many slots take.
    pub(crate) fn bytes_for(self, slots: u64) -> Option<usize> {
        self.stride.checked_mul(usize::try_from(slots).ok()?).filter(|room| *room <= isize::MAX as usize)
    }
}

/// As many slots as a power of two, in memory that others write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequencedSlots {
    /// The first of them; aligned to a line.
    start: NonNull<u8>,
    /// One less than their number.
    mask: u64,
    layout: SlotLayout,
    size: usize,
}

impl SequencedSlots {
    /// Slots for messages of `size` bytes.
    ///
    /// # Safety
    ///
    /// `count` is a power of two; from `start` on, which is aligned to a line, `layout.bytes_for(count)` bytes stay mapped and
    /// writable for as long as the result or a copy of it is used, and nobody of this process accesses them but through
    /// such.
    pub(crate) unsafe fn new(
        start: NonNull<u8>,
        count: u64,
        layout: SlotLayout,
        size: usize,
    ) -> SequencedSlots {
        SequencedSlots { start, mask: count - 1, layout, size }
    }

    /// How many there are.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.mask + 1
    }

    /// The word of the slot for this position.
    #[inline]
    pub(crate) fn word(&self, position: u64) -> &AtomicU64 {
        // SAFETY: because the place is within the slots, which `new` was promised, and aligned, as start and stride are;
        // any bytes are an atomic.
        unsafe { self.slot(position).cast().as_ref() }
    }

    /// Where the message of this position lies.
    #[inline]
    pub(crate) fn message(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the message is within its slot.
        unsafe { self.slot(position).add(self.layout.message) }
    }

    #[inline]
    fn slot(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the mask keeps the number below that of the slots, which all are in the memory.
        unsafe { self.start.add((position & self.mask) as usize * self.layout.stride) }
    }

    /// Copies a message into its slot. The type is that of which the slots have the size.
    #[inline]
    pub(crate) fn write<T: Plain>(&self, position: u64, message: &T) {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because the slot has room for the type, and its alignment is that of a word.
        unsafe { copy::write_value(self.message(position), message) };
    }

    /// Copies a message out of its slot: bytes that somebody wrote, at whatever time.
    #[inline]
    pub(crate) fn read<T: Plain>(&self, position: u64) -> T {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because of the same as in `write`.
        unsafe { copy::read_value(self.message(position)) }
    }
}
