//! A writer of arbitrary bytes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ipcraft::shm::Mapping;

use super::Random;

/// The bytes of the header at the start of every channel.
const HEADER_LEN: usize = 3968;

/// Where the words are that both sides of both rings share: the positions, the doorbells, and the
/// first cursors of a broadcast.
const POSITIONS: [usize; 10] = [128, 256, 384, 512, 768, 896, 1024, 1152, 3968, 4032];

/// Writes arbitrary values to the memory of a channel.
#[derive(Debug)]
pub struct Corruptor {
    memory: Mapping,
    /// The memory before the first write.
    before: Vec<u8>,
    random: Random,
}

impl Corruptor {
    /// Starts with memory that is valid.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn new(memory: Mapping, random: Random) -> Corruptor {
        let mut before = vec![0; memory.len()];
        memory.read_at(0, &mut before).expect("all of it");
        Corruptor { memory, before, random }
    }

    /// Writes once: a word, a byte, or several words.
    ///
    /// Sometimes it restores the memory, so that the channel becomes usable again.
    pub fn corrupt(&mut self) {
        match self.random.below(16) {
            0 => self.restore(0, self.before.len()),
            1 => self.restore(0, HEADER_LEN),
            2 => self.byte(),
            3 => (0..8).for_each(|_| self.word()),
            4 => self.swap(),
            _ => self.word(),
        }
    }

    /// Moves a position, or another word on which waits depend, to a value near one that it had.
    ///
    /// Unlike [`corrupt`](Corruptor::corrupt), most calls find a channel that seems to be valid.
    pub fn move_position(&mut self) {
        let (at, other) = (self.random.one_of(&POSITIONS), self.random.one_of(&POSITIONS));
        if at.max(other) + size_of::<u64>() > self.memory.len() {
            return;
        }
        let old = self.at(at).load(Relaxed);
        let value = match self.random.below(6) {
            0 => u64::from_ne_bytes(*self.before[at..].first_chunk().expect("eight bytes")),
            1 => self.at(other).load(Relaxed),
            2 | 3 => old.wrapping_add(self.random.number() % 9),
            _ => old.wrapping_sub(self.random.number() % 9),
        };
        self.at(at).store(value, Relaxed);
    }

    fn restore(&self, from: usize, to: usize) {
        self.memory.write_at(from, &self.before[from..to]).expect("within the memory");
    }

    fn byte(&mut self) {
        let (at, value) = (self.random.below(self.memory.len()), self.random.number() as u8);
        self.memory.write_at(at, &[value]).expect("within the memory");
    }

    /// Changes a word to a value that is almost valid, or to one that is not.
    fn word(&mut self) {
        let at = self.offset();
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
            5 => self.random.one_of(&[size, size - 1, size + 1, size - HEADER_LEN as u64, size / 8]),
            6 => old & half | self.random.one_of(&[0, 1, 2, u64::MAX]) << 32,
            _ => old & !half | self.random.one_of(&[0, 1, 2, half, 1 << 31]),
        };
        self.at(at).store(value, Relaxed);
    }

    /// Overwrites one word with another word of the channel.
    fn swap(&mut self) {
        let (from, to) = (self.offset(), self.offset());
        self.at(to).store(self.at(from).load(Relaxed), Relaxed);
    }

    /// The offset of a word, which is in the header half of the time.
    fn offset(&mut self) -> usize {
        let size = if self.random.below(2) == 0 { HEADER_LEN } else { self.memory.len() };
        self.random.below(size / 8) * 8
    }

    fn at(&self, offset: usize) -> &AtomicU64 {
        self.memory.atomic_u64(offset).expect("within the memory")
    }
}
