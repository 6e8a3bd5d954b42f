//! Slots of a ring whose positions alone define which slots are full: messages without words
//! between them.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::channel::shared::atomic::AtomicU64;
use crate::channel::shared::copy;
use crate::channel::tuning::MAX_WORDWISE_VALUE;
use crate::shm::{Plain, copy::copy};

/// Returns the bytes from one message of `size` bytes to the next.
pub(crate) const fn stride(size: usize) -> Option<usize> {
    match size {
        0 => Some(size_of::<u64>()),
        small if small <= MAX_WORDWISE_VALUE => small.checked_next_multiple_of(size_of::<u64>()),
        large => large.checked_next_multiple_of(64),
    }
}

/// Slots whose content the positions of the ring define.
pub(crate) trait Slots {
    /// The number of slots.
    fn count(&self) -> u64;

    /// The address of the message of this position.
    fn message(&self, position: u64) -> NonNull<u8>;
}

impl<T: Plain> Slots for SlotArray<T> {
    #[inline]
    fn count(&self) -> u64 {
        self.count()
    }

    #[inline]
    fn message(&self, position: u64) -> NonNull<u8> {
        self.message(position)
    }
}

/// The same slots for messages whose size is known only at run time.
#[derive(Debug)]
pub(crate) struct ByteSlots {
    /// The first slot, aligned to a cache line.
    start: NonNull<u8>,
    /// The number of slots less one.
    mask: u64,
    stride: usize,
}

impl ByteSlots {
    /// # Safety
    ///
    /// As for [`SlotArray::new`], for slots of `stride` bytes.
    pub(crate) unsafe fn new(start: NonNull<u8>, count: u64, stride: usize) -> ByteSlots {
        ByteSlots { start, mask: count - 1, stride }
    }
}

impl Slots for ByteSlots {
    fn count(&self) -> u64 {
        self.mask + 1
    }

    fn message(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the mask keeps the number below that of the slots, which all are in the
        // memory.
        unsafe { self.start.add((position & self.mask) as usize * self.stride) }
    }
}

/// A power of two of slots, in memory that other processes write.
#[derive(Debug)]
pub(crate) struct SlotArray<T> {
    /// The first slot, aligned to a cache line.
    start: NonNull<u8>,
    /// The number of slots less one.
    mask: u64,
    _type: PhantomData<T>,
}

impl<T: Plain> SlotArray<T> {
    /// Bytes from one message to the next. A small one starts at a word, a large one at a cache
    /// line.
    pub(crate) const STRIDE: Option<usize> = stride(size_of::<T>());

    /// The stride of a type for which slots exist.
    const STEP: usize = match Self::STRIDE {
        Some(stride) => stride,
        None => 0,
    };

    /// Whether messages have no gaps between them, so that one copy moves several. Models copy
    /// singly.
    const IS_TIGHT: bool = size_of::<T>() == Self::STEP && !cfg!(all(test, loom));

    /// The bytes that this number of slots takes.
    pub(crate) fn bytes_for(slots: u64) -> Option<usize> {
        let room = Self::STRIDE?.checked_mul(usize::try_from(slots).ok()?)?;
        (room <= isize::MAX as usize).then_some(room)
    }

    /// # Safety
    ///
    /// `count` is a power of two. `start` is aligned to a cache line, and `bytes_for(count)` bytes
    /// from there stay mapped and writable while the result is used. This process accesses them
    /// through such values only.
    pub(crate) unsafe fn new(start: NonNull<u8>, count: u64) -> SlotArray<T> {
        SlotArray { start, mask: count - 1, _type: PhantomData }
    }

    /// The number of slots.
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.mask + 1
    }

    /// The address of the message of this position.
    #[inline]
    pub(crate) fn message(&self, position: u64) -> NonNull<u8> {
        // SAFETY: because the mask keeps the number below that of the slots, which all are in the
        // memory.
        unsafe { self.start.add((position & self.mask) as usize * Self::STEP) }
    }

    /// Copies a message into its slot.
    #[inline]
    pub(crate) fn write(&self, position: u64, message: &T) {
        // SAFETY: because the slot has room for the type and is aligned to a word.
        unsafe { copy::write_value(self.message(position), message) };
    }

    /// Copies a message out of its slot: possibly a mix of old and new bytes.
    #[inline]
    pub(crate) fn read(&self, position: u64) -> T {
        // SAFETY: because the slot has room for the type and is aligned to a word.
        unsafe { copy::read_value(self.message(position)) }
    }

    /// Copies messages into the slots from this position on, at most as many as there are slots.
    #[inline]
    pub(crate) fn write_all(&self, position: u64, messages: &[T]) {
        if !Self::IS_TIGHT {
            for (i, message) in messages.iter().enumerate() {
                self.write(position.wrapping_add(i as u64), message);
            }
            return;
        }
        let (first, second) = messages.split_at(self.until_end(position, messages.len()));
        for (position, part) in [(position, first), (0, second)] {
            // SAFETY: because as many slots follow each other, and private memory is apart from
            // shared memory.
            unsafe { copy(part.as_ptr().cast(), self.message(position).as_ptr(), size_of_val(part)) };
        }
    }

    /// Copies messages out of the slots from this position on, at most as many as there are slots.
    #[inline]
    pub(crate) fn read_all(&self, position: u64, messages: &mut [T]) {
        if !Self::IS_TIGHT {
            for (i, message) in messages.iter_mut().enumerate() {
                *message = self.read(position.wrapping_add(i as u64));
            }
            return;
        }
        let (first, second) = messages.split_at_mut(self.until_end(position, messages.len()));
        for (position, part) in [(position, first), (0, second)] {
            // SAFETY: because as many slots follow each other, private memory is apart from shared
            // memory, and any bytes are values (`Plain`).
            unsafe { copy(self.message(position).as_ptr(), part.as_mut_ptr().cast(), size_of_val(part)) };
        }
    }

    /// How many of `wanted` messages fit before the ring wraps.
    #[inline]
    fn until_end(&self, position: u64, wanted: usize) -> usize {
        debug_assert!(wanted as u64 <= self.count());
        wanted.min((self.count() - (position & self.mask)) as usize)
    }
}

impl SlotArray<u64> {
    /// The word at this position, which other processes may write.
    #[inline]
    pub(crate) fn word(&self, position: u64) -> &AtomicU64 {
        // SAFETY: because a slot of this type is an aligned word, and any bytes are a valid atomic.
        unsafe { self.message(position).cast().as_ref() }
    }
}
