//! A ring in shared memory with a few slots, and a log of the taken items: the data that the
//! examples with semaphores protect.

use std::env;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ipcraft::shm::Mapping;

use crate::{Outcome, expect};

/// Processes that put items in.
pub const PRODUCERS: usize = 3;
/// Processes that take items out.
pub const CONSUMERS: usize = 2;
/// Items in total.
pub const ITEMS: usize = 6000;

const WORD: usize = size_of::<u64>();
const PUT: usize = 0;
const TAKEN: usize = WORD;
const RING: usize = 2 * WORD;
const NOTES: usize = RING + Buffer::SLOTS as usize * WORD;

/// The ring. A caller must hold the mutex, and a free slot or an item.
#[derive(Debug)]
pub struct Buffer<'a> {
    memory: &'a Mapping,
}

impl<'a> Buffer<'a> {
    /// The number of slots.
    pub const SLOTS: u32 = 8;
    /// The bytes of shared memory that it needs, initially zero.
    pub const SIZE: usize = NOTES + ITEMS * WORD;

    /// The buffer in this memory.
    pub fn new(memory: &'a Mapping) -> Self {
        Buffer { memory }
    }

    /// Puts an item in.
    pub fn put(&self, item: usize) -> Outcome {
        let put = increment(self.word(PUT)?);
        self.word(slot_offset(put))?.store(item as u64, Relaxed);
        Ok(())
    }

    /// Takes the oldest item out, and logs it.
    pub fn take(&self) -> Outcome {
        let taken = increment(self.word(TAKEN)?);
        let item = self.word(slot_offset(taken))?.load(Relaxed) as usize;
        increment(self.word(NOTES + item * WORD)?);
        Ok(())
    }

    fn word(&self, offset: usize) -> ipcraft::Result<&AtomicU64> {
        self.memory.atomic_u64(offset)
    }
}

/// Deliberately not atomic: two concurrent callers lose a count, and the check fails.
fn increment(word: &AtomicU64) -> u64 {
    let before = word.load(Relaxed);
    word.store(before + 1, Relaxed);
    before
}

fn slot_offset(count: u64) -> usize {
    RING + (count % u64::from(Buffer::SLOTS)) as usize * WORD
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

/// Items that each consumer takes out.
pub const SHARE: usize = ITEMS / CONSUMERS;

/// The number of this producer: the argument after the name.
pub fn number() -> Outcome<usize> {
    Ok(env::args().nth(3).ok_or("an argument is missing")?.parse()?)
}
