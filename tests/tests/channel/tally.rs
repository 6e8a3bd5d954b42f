//! Counters that processes report to the test through, without the mechanism under test.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicU64};

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;

/// Numbers in memory that forked children have too: some of eight bytes, and then some of one.
pub(super) struct Tally {
    memory: Mapping,
    words: usize,
}

impl Tally {
    pub(super) fn new(words: usize, marks: usize) -> Tally {
        let memory = Memfd::create("tally", words * 8 + marks + 1).expect("a memfd");
        Tally { memory: memory.map().expect("mapped"), words }
    }

    pub(super) fn word(&self, number: usize) -> &AtomicU64 {
        assert!(number < self.words);
        self.memory.atomic_u64(number * 8).expect("within the memory")
    }

    pub(super) fn get(&self, number: usize) -> u64 {
        self.word(number).load(Acquire)
    }

    pub(super) fn set(&self, number: usize, value: u64) {
        self.word(number).store(value, Release);
    }

    pub(super) fn add(&self, number: usize, value: u64) {
        self.word(number).fetch_add(value, Relaxed);
    }

    pub(super) fn mark(&self, number: usize) -> &AtomicU8 {
        self.memory.atomic_u8(self.words * 8 + number).expect("within the memory")
    }
}
