//! A ring in shared memory with room for a few items, and a note for each item that it was taken: what the examples
//! with semaphores guard.

use std::env;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::shm::Mapping;

use crate::{Outcome, expect};

/// How many processes put items in.
pub const PRODUCERS: usize = 3;
/// How many take them out.
pub const CONSUMERS: usize = 2;
/// How many items there are in all.
pub const ITEMS: usize = 6000;

const WORD: usize = size_of::<u64>();
const PUT: usize = 0;
const TAKEN: usize = WORD;
const RING: usize = 2 * WORD;
const NOTES: usize = RING + Buffer::PLACES as usize * WORD;

/// The ring. Whoever calls must be alone, and know that there is a place or an item.
#[derive(Debug)]
pub struct Buffer<'a> {
    memory: &'a Mapping,
}

impl<'a> Buffer<'a> {
    /// How many items it has room for.
    pub const PLACES: u32 = 8;
    /// How many bytes of shared memory it needs, all zero to start with.
    pub const SIZE: usize = NOTES + ITEMS * WORD;

    /// The buffer in this memory.
    pub fn new(memory: &'a Mapping) -> Self {
        Buffer { memory }
    }

    /// Puts an item in.
    pub fn put(&self, item: usize) -> Outcome {
        let put = increment(self.word(PUT)?);
        self.word(place(put))?.store(item as u64, Relaxed);
        Ok(())
    }

    /// Takes the oldest item out, and notes that it was taken.
    pub fn take(&self) -> Outcome {
        let taken = increment(self.word(TAKEN)?);
        let item = self.word(place(taken))?.load(Relaxed) as usize;
        increment(self.word(NOTES + item * WORD)?);
        Ok(())
    }

    fn word(&self, offset: usize) -> ipcraft::Result<&AtomicU64> {
        self.memory.atomic_u64(offset)
    }
}

/// Deliberately no atomic addition: two processes that are here at once would lose a count, and the check would fail.
fn increment(word: &AtomicU64) -> u64 {
    let before = word.load(Relaxed);
    word.store(before + 1, Relaxed);
    before
}

fn place(count: u64) -> usize {
    RING + (count % u64::from(Buffer::PLACES)) as usize * WORD
}

/// Fails unless every item was put in and taken out once.
pub fn check(memory: &Mapping) -> Outcome {
    let buffer = Buffer::new(memory);
    expect("items put", buffer.word(PUT)?.load(Relaxed), ITEMS as u64)?;
    expect("items taken", buffer.word(TAKEN)?.load(Relaxed), ITEMS as u64)?;
    for item in 0..ITEMS {
        expect("how often an item was taken", buffer.word(NOTES + item * WORD)?.load(Relaxed), 1)?;
    }
    Ok(())
}

/// The items that a producer puts in.
pub fn items_of(producer: usize) -> Range<usize> {
    let each = ITEMS / PRODUCERS;
    producer * each..(producer + 1) * each
}

/// How many items each consumer takes out.
pub const SHARE: usize = ITEMS / CONSUMERS;

/// The number of this producer: the argument after the name.
pub fn number() -> Outcome<usize> {
    Ok(env::args().nth(3).ok_or("an argument is missing")?.parse()?)
}
