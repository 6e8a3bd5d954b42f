//! Slots of a ring, each with a word that states its content, and room for one message of fixed
//! size.

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

/// The layout of a slot, which depends only on the message size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotLayout {
    /// Bytes from one slot to the next.
    pub(crate) stride: usize,
    /// Bytes from the word to the message.
    pub(crate) message: usize,
}

impl SlotLayout {
    /// A small message shares one cache line with its word, and its stride divides the line. A
    /// large message starts at a cache line, where vector instructions are fastest.
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

    /// The bytes that this number of slots takes.
    pub(crate) fn bytes_for(self, slots: u64) -> Option<usize> {
        self.stride.checked_mul(usize::try_from(slots).ok()?).filter(|room| *room <= isize::MAX as usize)
    }
}

/// A power of two of slots, in memory that other processes write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequencedSlots {
    /// The first slot, aligned to a cache line.
    start: NonNull<u8>,
    /// The number of slots less one.
    mask: u64,
    layout: SlotLayout,
    size: usize,
}

impl SequencedSlots {
    /// Slots for messages of `size` bytes.
    ///
    /// # Safety
    ///
    /// `count` is a power of two. `start` is aligned to a cache line, and `layout.bytes_for(count)`
    /// bytes from there stay mapped and writable while the result or a copy of it is used. This
    /// process accesses them through such values only.
    pub(crate) unsafe fn new(
        start: NonNull<u8>,
        count: u64,
        layout: SlotLayout,
        size: usize,
    ) -> SequencedSlots {
        SequencedSlots { start, mask: count - 1, layout, size }
    }

    /// The number of slots.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.mask + 1
    }

    /// The word of the slot for this position.
    #[inline]
    pub(crate) fn word(&self, position: u64) -> &AtomicU64 {
        // SAFETY: because the address is within the slots that the caller of `new` promised, and
        // aligned like start and stride; any bytes are a valid atomic.
        unsafe { self.slot(position).cast().as_ref() }
    }

    /// The address of the message of this position.
    #[inline]
    pub(crate) fn message(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the message is within its slot.
        unsafe { self.slot(position).add(self.layout.message) }
    }

    #[inline]
    fn slot(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the mask keeps the number below that of the slots, which all are in the
        // memory.
        unsafe { self.start.add((position & self.mask) as usize * self.layout.stride) }
    }

    /// Copies a message into its slot. The type must have the size of the slots.
    #[inline]
    pub(crate) fn write<T: Plain>(&self, position: u64, message: &T) {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because the slot has room for the type, and its alignment is that of a word.
        unsafe { copy::write_value(self.message(position), message) };
    }

    /// Copies a message out of its slot: possibly a mix of old and new bytes.
    #[inline]
    pub(crate) fn read<T: Plain>(&self, position: u64) -> T {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because the slot has room for the type, and its alignment is that of a word.
        unsafe { copy::read_value(self.message(position)) }
    }
}
