//! Copies between private memory and memory that other processes may write meanwhile.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::channel::shared::atomic::{AtomicU64, Content};
use crate::channel::tuning::{MAX_WORDWISE_RECORD, MAX_WORDWISE_VALUE};
use crate::shm::{Plain, copy::copy};

const WORD: usize = size_of::<u64>();

/// Copies a value to shared memory.
///
/// # Safety
///
/// `into` is aligned to a word and has room for the value.
#[inline]
pub(crate) unsafe fn write_value<T: Plain>(into: NonNull<u8>, value: &T) {
    let from = std::ptr::from_ref(value).cast::<u8>();
    if size_of::<T>() > MAX_WORDWISE_VALUE {
        // SAFETY: because the caller promised the room, and private memory is apart from shared
        // memory.
        return unsafe { copy(from, into.as_ptr(), size_of::<T>()) };
    }
    let words = size_of::<T>() / WORD;
    for i in 0..words {
        // SAFETY: because the word is within the value, whose bytes are all initialized (`Plain`),
        // and within the room, where it is aligned.
        unsafe {
            let word = from.cast::<u64>().add(i).read_unaligned();
            into.cast::<Content>().add(i).as_ref().store(word, Relaxed);
        }
    }
    for i in words * WORD..size_of::<T>() {
        // SAFETY: because the byte is within the value and within the shared memory.
        unsafe { byte(into, i).store(from.add(i).read(), Relaxed) };
    }
}

/// Copies a value from shared memory.
///
/// # Safety
///
/// `from` is aligned to a word, and the bytes of the type can be read there.
#[inline]
pub(crate) unsafe fn read_value<T: Plain>(from: NonNull<u8>) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    let into = value.as_mut_ptr().cast::<u8>();
    if size_of::<T>() > MAX_WORDWISE_VALUE {
        // SAFETY: because the caller promised the bytes, and private memory is apart from shared
        // memory.
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
            // SAFETY: because the byte is within the value and within the shared memory.
            unsafe { into.add(i).write(byte(from, i).load(Relaxed)) };
        }
    }
    // SAFETY: because all bytes were written, and any bytes are a value (`Plain`).
    unsafe { value.assume_init() }
}

/// # Safety
///
/// The byte stays mapped while the result is used.
#[inline]
unsafe fn byte<'a>(at: NonNull<u8>, offset: usize) -> &'a AtomicU8 {
    // SAFETY: because the caller promised the byte, and any byte is a valid atomic.
    unsafe { at.add(offset).cast().as_ref() }
}

/// Copies bytes to shared memory. May zero the rest of the last word.
///
/// # Safety
///
/// `into` is aligned to a word and has room for the bytes, rounded up to words. Only atomics and
/// these copies access it.
#[inline]
pub(crate) unsafe fn write_bytes(into: NonNull<u8>, bytes: &[u8]) {
    if bytes.len() > MAX_WORDWISE_RECORD {
        // SAFETY: because the caller promised the room, and private memory is apart from shared
        // memory.
        return unsafe { copy(bytes.as_ptr(), into.as_ptr(), bytes.len()) };
    }
    let (words, rest) = bytes.as_chunks::<WORD>();
    for (i, word) in words.iter().enumerate() {
        // SAFETY: because the word is within the room.
        unsafe { word_at(into, i) }.store(u64::from_ne_bytes(*word), Relaxed);
    }
    if !rest.is_empty() {
        let mut word = [0; WORD];
        rest.iter().zip(&mut word).for_each(|(from, into)| *into = *from);
        // SAFETY: because the room is rounded up to words.
        unsafe { word_at(into, words.len()) }.store(u64::from_ne_bytes(word), Relaxed);
    }
}

/// Copies bytes from shared memory.
///
/// # Safety
///
/// `from` is aligned to a word, and `length` bytes, rounded up to words, can be read there.
/// `length` bytes can be written at `into`, in private memory.
#[inline]
pub(crate) unsafe fn read_bytes(from: NonNull<u8>, into: *mut u8, length: usize) {
    if length > MAX_WORDWISE_RECORD {
        // SAFETY: because the caller promised both, and private memory is apart from shared memory.
        return unsafe { copy(from.as_ptr(), into, length) };
    }
    let words = length / WORD;
    for i in 0..words {
        // SAFETY: because the word is within both.
        unsafe { into.cast::<u64>().add(i).write_unaligned(word_at(from, i).load(Relaxed)) };
    }
    if !length.is_multiple_of(WORD) {
        // SAFETY: because the readable length is rounded up to words.
        let last = unsafe { word_at(from, words) }.load(Relaxed).to_ne_bytes();
        for (i, byte) in last.into_iter().enumerate().take(length % WORD) {
            // SAFETY: because the byte is within the writable length.
            unsafe { into.add(words * WORD + i).write(byte) };
        }
    }
}

/// # Safety
///
/// The word is aligned and stays mapped while the result is used.
#[inline]
unsafe fn word_at<'a>(start: NonNull<u8>, word: usize) -> &'a AtomicU64 {
    // SAFETY: because the caller promised the word, and any bytes are a valid atomic.
    unsafe { start.cast().add(word).as_ref() }
}
