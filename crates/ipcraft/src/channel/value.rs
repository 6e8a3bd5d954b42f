//! Copying one value between private memory and memory that others may write meanwhile.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::atomic::Content;
use crate::shm::{Plain, copy::copy};

/// What is at most copied word by word; beyond it, memcpy(3) is faster.
pub(super) const SMALL: usize = 128;

const WORD: usize = size_of::<u64>();

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
            into.cast::<Content>().add(i).as_ref().store(word, Relaxed);
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
                let word = from.cast::<Content>().add(i).as_ref().load(Relaxed);
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
unsafe fn byte<'a>(at: NonNull<u8>, offset: usize) -> &'a AtomicU8 {
    // SAFETY: because the caller vouches for it, and any byte is an atomic.
    unsafe { at.add(offset).cast().as_ref() }
}
