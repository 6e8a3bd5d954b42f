//! Copying between private bytes and memory that others may write meanwhile.
//!
//! memcpy(3) will not do: to the compiler it is a plain access, which nobody else may race with. So the shared side is accessed by
//! relaxed atomics, and by words, since bytes would take eight times as long. Which bytes of several writers a copy finds is then
//! open, but each byte is one that was written there, and the private side holds settled values afterwards.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

const WORD: usize = size_of::<u64>();

/// Copies out of shared memory: as many bytes as both have.
#[inline]
pub(super) fn out_of(cells: &[AtomicU8], into: &mut [u8]) {
    let (first, middle, last) = split(cells);
    let (head, rest) = into.split_at_mut(first.len());
    let (words, tail) = rest.as_chunks_mut::<WORD>();
    for (byte, cell) in head.iter_mut().zip(first) {
        *byte = cell.load(Relaxed);
    }
    for (word, cell) in words.iter_mut().zip(middle) {
        *word = cell.load(Relaxed).to_ne_bytes();
    }
    for (byte, cell) in tail.iter_mut().zip(last) {
        *byte = cell.load(Relaxed);
    }
}

/// Copies into shared memory: as many bytes as both have.
#[inline]
pub(super) fn into(bytes: &[u8], cells: &[AtomicU8]) {
    let (first, middle, last) = split(cells);
    let (head, rest) = bytes.split_at(first.len());
    let (words, tail) = rest.as_chunks::<WORD>();
    for (byte, cell) in head.iter().zip(first) {
        cell.store(*byte, Relaxed);
    }
    for (word, cell) in words.iter().zip(middle) {
        cell.store(u64::from_ne_bytes(*word), Relaxed);
    }
    for (byte, cell) in tail.iter().zip(last) {
        cell.store(*byte, Relaxed);
    }
}

/// The same memory as bytes up to the first aligned word, words, and the bytes that are left.
#[inline]
fn split(cells: &[AtomicU8]) -> (&[AtomicU8], &[AtomicU64], &[AtomicU8]) {
    // SAFETY: because eight aligned bytes are a valid word, whatever they hold, and both types may change under a reference.
    unsafe { cells.align_to::<AtomicU64>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words() {
        let memory: [AtomicU64; 3] = Default::default();
        // SAFETY: because a word is eight bytes, and both types may change under a reference.
        let cells = unsafe { memory.align_to::<AtomicU8>().1 };
        let (first, middle, last) = split(&cells[3..23]);
        assert_eq!((first.len(), middle.len(), last.len()), (5, 1, 7));
    }
}
