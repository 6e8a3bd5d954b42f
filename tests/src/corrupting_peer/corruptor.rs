//! Who writes what he likes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ipcraft::shm::Mapping;

use super::Random;

/// The bytes at the start of every channel.
const HEADER: usize = 2048;

/// Writes to the memory of a channel.
#[derive(Debug)]
pub struct Corruptor {
    memory: Mapping,
    /// How the memory was when nobody had scribbled.
    before: Vec<u8>,
    random: Random,
}

impl Corruptor {
    /// Begins with memory that is as it should be.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn new(memory: Mapping, random: Random) -> Corruptor {
        let mut before = vec![0; memory.len()];
        memory.read_at(0, &mut before).expect("all of it");
        Corruptor { memory, before, random }
    }

    /// Writes once: a word, a byte, or several; now and then what was there in the beginning, so that there is something
    /// to be done with the channel.
    pub fn corrupt(&mut self) {
        match self.random.below(16) {
            0 => self.restore(0, self.before.len()),
            1 => self.restore(0, HEADER),
            2 => self.byte(),
            3 => (0..8).for_each(|_| self.word()),
            4 => self.swap(),
            _ => self.word(),
        }
    }

    fn restore(&self, from: usize, to: usize) {
        self.memory.write_at(from, &self.before[from..to]).expect("within the memory");
    }

    fn byte(&mut self) {
        let (at, value) = (self.random.below(self.memory.len()), self.random.number() as u8);
        self.memory.write_at(at, &[value]).expect("within the memory");
    }

    /// A word that could be where it is, almost, or one that could not.
    fn word(&mut self) {
        let at = self.place();
        let old = self.at(at).load(Relaxed);
        let size = self.memory.len() as u64;
        let step = 1 << self.random.below(64);
        let half = u64::from(u32::MAX);
        let value = match self.random.below(8) {
            0 => self.random.number(),
            1 => old.wrapping_add(step),
            2 => old.wrapping_sub(step),
            3 => old ^ step,
            4 => self.random.one_of(&[0, 1, 2, 3, 7, 8, 9, u64::MAX, u64::MAX - 1, 1 << 63, half, half + 1]),
            5 => self.random.one_of(&[size, size - 1, size + 1, size - HEADER as u64, size / 8]),
            6 => old & half | self.random.one_of(&[0, 1, 2, u64::MAX]) << 32,
            _ => old & !half | self.random.one_of(&[0, 1, 2, half, 1 << 31]),
        };
        self.at(at).store(value, Relaxed);
    }

    /// Puts one word where another was: something that was said, elsewhere.
    fn swap(&mut self) {
        let (from, to) = (self.place(), self.place());
        self.at(to).store(self.at(from).load(Relaxed), Relaxed);
    }

    /// Where some word is: half of the time in the header.
    fn place(&mut self) -> usize {
        let size = if self.random.below(2) == 0 { HEADER } else { self.memory.len() };
        self.random.below(size / 8) * 8
    }

    fn at(&self, place: usize) -> &AtomicU64 {
        self.memory.atomic_u64(place).expect("within the memory")
    }
}
