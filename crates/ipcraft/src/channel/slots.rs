//! The slots of a ring: each has room for one message of fixed size, and before it, in some rings, a word that says what is
//! in it.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use super::atomic::AtomicU64;
use crate::shm::{Plain, copy::copy};

/// The word before a message.
const WORD: usize = size_of::<AtomicU64>();

/// A cache line.
const LINE: usize = 64;

/// What is at most copied word by word; beyond it, memcpy(3) is faster.
const SMALL: usize = 128;

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

    /// One message after the other, without words.
    pub(super) const fn dense(size: usize) -> Option<Geometry> {
        let unit = if size > 2 * SMALL { LINE } else { WORD };
        match size.checked_next_multiple_of(unit) {
            Some(0) => Some(Geometry { stride: WORD, message: 0 }),
            Some(stride) => Some(Geometry { stride, message: 0 }),
            None => None,
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

    /// Copies messages into the slots from this position on, which have no words; there are no more than slots.
    #[inline]
    pub(super) fn write_all<T: Plain>(&self, position: u64, messages: &[T]) {
        debug_assert!(messages.len() as u64 <= self.count());
        if size_of::<T>() != self.geometry.stride {
            for (i, message) in messages.iter().enumerate() {
                self.write(position.wrapping_add(i as u64), message);
            }
            return;
        }
        let until_end = (self.count() - (position & self.mask)) as usize;
        let (first, second) = messages.split_at(messages.len().min(until_end));
        for (position, part) in [(position, first), (0, second)] {
            // SAFETY: because as many slots follow each other, and private memory is apart from shared memory.
            unsafe { copy(part.as_ptr().cast(), self.slot(position).as_ptr(), size_of_val(part)) };
        }
    }

    /// Copies a message into its slot. The type is that of which the slots have the size.
    #[inline]
    pub(super) fn write<T: Plain>(&self, position: u64, message: &T) {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because the slot has room for the type, and its alignment is that of a word.
        unsafe { write(self.message(position), message) };
    }

    /// Copies a message out of its slot: bytes that somebody wrote, at whatever time.
    #[inline]
    pub(super) fn read<T: Plain>(&self, position: u64) -> T {
        debug_assert_eq!(size_of::<T>(), self.size);
        // SAFETY: because of the same as in `write`.
        unsafe { read(self.message(position)) }
    }
}

/// Copies a value to shared memory.
///
/// # Safety
///
/// There is room for it at `into`, which is aligned to a word.
#[inline]
pub(super) unsafe fn write<T: Plain>(into: NonNull<u8>, value: &T) {
    let from = std::ptr::from_ref(value).cast::<u8>();
    if size_of::<T>() > SMALL {
        // SAFETY: because the caller vouches for the room, and private memory is apart from shared memory.
        return unsafe { copy(from, into.as_ptr(), size_of::<T>()) };
    }
    let words = size_of::<T>() / WORD;
    for i in 0..words {
        // SAFETY: because the word is within the value, whose bytes are all initialised (`Plain`), and within the room,
        // where it is aligned.
        unsafe {
            let word = from.cast::<u64>().add(i).read_unaligned();
            into.cast::<AtomicU64>().add(i).as_ref().store(word, Relaxed);
        }
    }
    for i in words * WORD..size_of::<T>() {
        // SAFETY: because of the same for a byte.
        unsafe { byte(into, i).store(from.add(i).read(), Relaxed) };
    }
}

/// Copies a value from shared memory.
///
/// # Safety
///
/// As many bytes can be read at `from`, which is aligned to a word.
#[inline]
pub(super) unsafe fn read<T: Plain>(from: NonNull<u8>) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    let into = value.as_mut_ptr().cast::<u8>();
    if size_of::<T>() > SMALL {
        // SAFETY: because the caller vouches for the bytes, and private memory is apart from shared memory.
        unsafe { copy(from.as_ptr(), into, size_of::<T>()) };
    } else {
        let words = size_of::<T>() / WORD;
        for i in 0..words {
            // SAFETY: because the word is within both, and aligned in shared memory.
            unsafe {
                let word = from.cast::<AtomicU64>().add(i).as_ref().load(Relaxed);
                into.cast::<u64>().add(i).write_unaligned(word);
            }
        }
        for i in words * WORD..size_of::<T>() {
            // SAFETY: because of the same for a byte.
            unsafe { into.add(i).write(byte(from, i).load(Relaxed)) };
        }
    }
    // SAFETY: because all bytes were written, and any bytes are a value (`Plain`).
    unsafe { value.assume_init() }
}

/// # Safety
///
/// The byte is in memory that stays for as long as the result is used.
#[inline]
unsafe fn byte<'a>(at: NonNull<u8>, offset: usize) -> &'a std::sync::atomic::AtomicU8 {
    // SAFETY: because the caller vouches for it, and any byte is an atomic.
    unsafe { at.add(offset).cast().as_ref() }
}
