//! Copying bytes of any number between private memory and a ring.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use super::record::WORD;
use crate::channel::atomic::AtomicU64;
use crate::shm::copy::copy;

/// What is at most copied word by word; beyond it, memcpy(3) is faster.
const SMALL: usize = 64;

/// Copies bytes to shared memory. What is missing to the next word may be set to zero.
///
/// # Safety
///
/// At `into`, which is aligned to a word, there is room for the bytes, rounded up to words, that only atomics and copies
/// access.
#[inline]
pub(super) unsafe fn write(into: NonNull<u8>, bytes: &[u8]) {
    if bytes.len() > SMALL {
        // SAFETY: because the caller vouches for the room, and private memory is apart from shared memory.
        return unsafe { copy(bytes.as_ptr(), into.as_ptr(), bytes.len()) };
    }
    let (words, rest) = bytes.as_chunks::<WORD>();
    for (i, word) in words.iter().enumerate() {
        // SAFETY: because the word is within the room.
        unsafe { at(into, i) }.store(u64::from_ne_bytes(*word), Relaxed);
    }
    if !rest.is_empty() {
        let mut word = [0; WORD];
        rest.iter().zip(&mut word).for_each(|(from, into)| *into = *from);
        // SAFETY: because the room is rounded up to words.
        unsafe { at(into, words.len()) }.store(u64::from_ne_bytes(word), Relaxed);
    }
}

/// Copies bytes from shared memory.
///
/// # Safety
///
/// At `from`, which is aligned to a word, so many bytes, rounded up to words, can be read; at `into` so many can be written,
/// of private memory.
#[inline]
pub(super) unsafe fn read(from: NonNull<u8>, into: *mut u8, length: usize) {
    if length > SMALL {
        // SAFETY: because the caller vouches for both, and private memory is apart from shared memory.
        return unsafe { copy(from.as_ptr(), into, length) };
    }
    let words = length / WORD;
    for i in 0..words {
        // SAFETY: because the word is within both.
        unsafe { into.cast::<u64>().add(i).write_unaligned(at(from, i).load(Relaxed)) };
    }
    if !length.is_multiple_of(WORD) {
        // SAFETY: because what can be read is rounded up to words.
        let word = unsafe { at(from, words) }.load(Relaxed).to_ne_bytes();
        for (i, byte) in word.into_iter().enumerate().take(length % WORD) {
            // SAFETY: because the byte is one of those that can be written.
            unsafe { into.add(words * WORD + i).write(byte) };
        }
    }
}

/// # Safety
///
/// The word is in memory that stays for as long as the result is used, and is aligned.
#[inline]
unsafe fn at<'a>(start: NonNull<u8>, word: usize) -> &'a AtomicU64 {
    // SAFETY: because the caller vouches for it, and any bytes are an atomic.
    unsafe { start.cast().add(word).as_ref() }
}
