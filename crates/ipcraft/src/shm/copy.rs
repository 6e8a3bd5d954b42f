//! Copying between private bytes and memory that others may write meanwhile.
//!
//! memcpy(3) will not do: to the compiler it is a plain access, which nobody else may race with. So the shared side is accessed by
//! relaxed atomics, and by words, since bytes would take eight times as long. Which bytes of several writers a copy finds is then
//! open, but each byte is one that was written there, and the private side holds settled values afterwards.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

const WORD: usize = size_of::<u64>();

/// Copies out of shared memory.
///
/// # Safety
///
/// `into.len()` bytes from `from` on are mapped for the time of the call, and `into` is not among them.
#[inline]
pub(super) unsafe fn out_of(from: *const u8, into: &mut [u8]) {
    let (head, rest) = into.split_at_mut(until_aligned(from, into.len()));
    let (words, tail) = rest.as_chunks_mut::<WORD>();
    let mut from = from;
    for byte in head {
        // SAFETY: because the caller vouches for every byte of the range, and a relaxed load only reads.
        (*byte, from) = unsafe { (load_byte(from), from.add(1)) };
    }
    for word in words {
        // SAFETY: because `from` is aligned for a word after the head, and the word is within the range.
        (*word, from) = unsafe { (load_word(from), from.add(WORD)) };
    }
    for byte in tail {
        // SAFETY: because the caller vouches for every byte of the range.
        (*byte, from) = unsafe { (load_byte(from), from.add(1)) };
    }
}

/// Copies into shared memory.
///
/// # Safety
///
/// `bytes.len()` bytes from `into` on are mapped and writable for the time of the call, and `bytes` is not among them.
#[inline]
pub(super) unsafe fn into(bytes: &[u8], into: *mut u8) {
    let (head, rest) = bytes.split_at(until_aligned(into, bytes.len()));
    let (words, tail) = rest.as_chunks::<WORD>();
    let mut into = into;
    for byte in head {
        // SAFETY: because the caller vouches for every byte of the range.
        into = unsafe { store_byte(*byte, into) };
    }
    for word in words {
        // SAFETY: because `into` is aligned for a word after the head, and the word is within the range.
        into = unsafe { store_word(*word, into) };
    }
    for byte in tail {
        // SAFETY: because the caller vouches for every byte of the range.
        into = unsafe { store_byte(*byte, into) };
    }
}

/// How many of `length` bytes come before the first aligned word.
#[inline]
fn until_aligned(address: *const u8, length: usize) -> usize {
    (address.addr().wrapping_neg() % WORD).min(length)
}

#[inline]
unsafe fn load_byte(from: *const u8) -> u8 {
    // SAFETY: because the caller vouches for the byte, and what is only loaded needs no permission to write.
    unsafe { AtomicU8::from_ptr(from.cast_mut()) }.load(Relaxed)
}

#[inline]
unsafe fn load_word(from: *const u8) -> [u8; WORD] {
    // SAFETY: because the caller vouches for an aligned word, and what is only loaded needs no permission to write.
    unsafe { AtomicU64::from_ptr(from.cast_mut().cast()) }.load(Relaxed).to_ne_bytes()
}

#[inline]
unsafe fn store_byte(byte: u8, into: *mut u8) -> *mut u8 {
    // SAFETY: because the caller vouches for the byte.
    unsafe { AtomicU8::from_ptr(into) }.store(byte, Relaxed);
    into.wrapping_add(1)
}

#[inline]
unsafe fn store_word(word: [u8; WORD], into: *mut u8) -> *mut u8 {
    // SAFETY: because the caller vouches for an aligned word.
    unsafe { AtomicU64::from_ptr(into.cast()) }.store(u64::from_ne_bytes(word), Relaxed);
    into.wrapping_add(WORD)
}
