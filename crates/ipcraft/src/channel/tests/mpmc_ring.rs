//! The ring alone, on the heap, compared step by step with a list of positions.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use crate::channel::ring::Corrupt;
use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::ring::mpmc::{Reader, Writer, reclaim_dead};
use crate::channel::shared::control::RingControl;
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};

/// How many ends each side has.
const ENDS: usize = 3;

/// Steps of each run.
const STEPS: usize = if cfg!(miri) { 300 } else { 20_000 };

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "it is reached through the slots")] [u64; 8]);

/// A ring, and what should be in it.
struct World {
    memory: Vec<Line>,
    slots: SequencedSlots,
    /// One flow, in a place of its own.
    control: Vec<RingControl>,
    writers: Vec<Writer>,
    readers: Vec<Reader>,
    /// What became of each position, from the first one on, with its message.
    positions: Vec<(Fate, u64)>,
    /// How many positions readers have gone by.
    taken: usize,
}

/// Where a position is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Written { by: usize },
    Full,
    Tombstone,
    Read { by: usize },
    Abandoned,
    Over,
}

impl World {
    fn new(count: u64, start: u64) -> World {
        let layout = SlotLayout::new(8).unwrap();
        let mut memory = vec![Line([0; 8]); layout.bytes_for(count).unwrap().div_ceil(64)];
        // SAFETY: because the memory has room for the slots, is aligned, stays where it is with
        // `World`, and is accessed only by them.
        let slots = unsafe {
            SequencedSlots::new(NonNull::new(memory.as_mut_ptr()).unwrap().cast(), count, layout, 8)
        };
        let generations = Generations::new(count);
        for position in (0..count).map(|i| start.wrapping_add(i)) {
            slots.word(position).store(SlotWord::new(generations.of(position), SlotState::Free).0, Relaxed);
        }
        let control = vec![RingControl::default()];
        control[0].senders.position.store(start, Relaxed);
        control[0].receivers.position.store(start, Relaxed);
        let (writers, readers) = (Vec::new(), Vec::new());
        let mut world = World { memory, slots, control, writers, readers, positions: Vec::new(), taken: 0 };
        for end in 0..ENDS {
            world.writers.push(world.writer(end));
            world.readers.push(world.reader(end));
        }
        world
    }

    fn writer(&self, end: usize) -> Writer {
        // SAFETY: because the flow stays where it is for as long as the writer is used.
        unsafe { Writer::resume(self.slots, NonNull::from(&self.control[0]), end as u32) }.unwrap()
    }

    fn reader(&self, end: usize) -> Reader {
        let lease_id = (64 + end) as u32;
        // SAFETY: because the flow stays where it is for as long as the reader is used.
        unsafe { Reader::resume(self.slots, NonNull::from(&self.control[0]), lease_id) }.unwrap()
    }

    /// The positions that have this fate get that one.
    fn turn(&mut self, from: Fate, to: Fate) {
        self.positions.iter_mut().filter(|(fate, _)| *fate == from).for_each(|(fate, _)| *fate = to);
    }

    fn claim_to_write(&mut self, end: usize, message: u64) {
        self.turn(Fate::Written { by: end }, Fate::Tombstone);
        let count = self.slots.count() as usize;
        let next = self.positions.len();
        let has_room = next < count || self.positions[next - count].0 == Fate::Over;
        let claimed = self.writers[end].claim().unwrap().is_some();
        assert_eq!(claimed, has_room);
        if claimed {
            self.writers[end].write(&message);
            self.positions.push((Fate::Written { by: end }, message));
        }
    }

    fn claim_to_read(&mut self, end: usize) {
        self.turn(Fate::Read { by: end }, Fate::Over);
        let orphans = self.positions.iter().any(|(fate, _)| *fate == Fate::Abandoned);
        let claimed = self.readers[end].claim().unwrap().is_some();
        let wanted = if orphans { self.orphan(end) } else { self.next() };
        assert_eq!(claimed, wanted.is_some());
        if let Some(position) = wanted {
            assert_eq!(self.readers[end].read(), Some(self.positions[position].1));
            self.positions[position].0 = Fate::Read { by: end };
        }
    }

    /// Which of the orphans a reader has got.
    fn orphan(&self, end: usize) -> Option<usize> {
        let got = self.readers[end].read::<u64>();
        self.positions.iter().position(|(fate, message)| *fate == Fate::Abandoned && got == Some(*message))
    }

    /// Returns the next position to be read, behind tombstones.
    fn next(&mut self) -> Option<usize> {
        while let Some((fate, _)) = self.positions.get_mut(self.taken) {
            match fate {
                Fate::Full => {
                    self.taken += 1;
                    return Some(self.taken - 1);
                }
                Fate::Tombstone => *fate = Fate::Over,
                _ => return None,
            }
            self.taken += 1;
        }
        None
    }

    fn step(&mut self, chance: u64, message: u64) {
        let end = (chance >> 8) as usize % ENDS;
        match chance % 64 {
            0..12 => self.claim_to_write(end, message),
            12..28 => {
                self.claim_to_write(end, message);
                self.writers[end].commit();
                self.turn(Fate::Written { by: end }, Fate::Full);
            }
            28..32 if self.writers[end].has_claim() => {
                self.writers[end].skip();
                self.turn(Fate::Written { by: end }, Fate::Tombstone);
            }
            32..40 => self.claim_to_read(end),
            40..60 => {
                self.claim_to_read(end);
                self.readers[end].free();
                self.turn(Fate::Read { by: end }, Fate::Over);
            }
            60..62 => {
                reclaim_dead(&self.slots, &self.control[0], end as u32);
                self.turn(Fate::Written { by: end }, Fate::Tombstone);
                self.writers[end] = self.writer(end);
            }
            62 => {
                reclaim_dead(&self.slots, &self.control[0], (64 + end) as u32);
                self.turn(Fate::Read { by: end }, Fate::Abandoned);
                self.readers[end] = self.reader(end);
            }
            _ => {}
        }
    }

    /// Forgets positions to which no endpoint returns.
    fn forget_old(&mut self) {
        let count = self.slots.count() as usize;
        let old = self.positions.len().saturating_sub(4 * count).min(self.taken);
        let over = self.positions[..old].iter().take_while(|(fate, _)| *fate == Fate::Over).count();
        self.positions.drain(..over);
        self.taken -= over;
    }
}

/// Random numbers, the same in each run.
fn chances(mut state: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    })
}

#[test]
fn the_ring_does_what_a_list_of_positions_does() {
    for (count, seed) in [(2, 1), (4, 2), (8, 3), (64, 4), (2048, 5)] {
        for start in [0, u64::from(u32::MAX) - 50, u64::MAX / 2 - 50, u64::MAX - 50] {
            let mut world = World::new(count, start);
            for (chance, message) in chances(seed).zip(1..).take(STEPS) {
                world.step(chance, message);
                if message % 64 == 0 {
                    world.forget_old();
                }
            }
        }
    }
}

#[test]
fn endpoint_after_many_generations_continues() {
    for count in [2, 4, 64] {
        let mut world = World::new(count, u64::MAX - 7);
        for message in 0..100 * count {
            assert_eq!(world.writers[0].push(&message), Ok(Some(())));
            assert_eq!(world.readers[0].pop(), Ok(Some(message)));
        }
        assert_eq!(world.readers[1].pop::<u64>(), Ok(None));
        assert_eq!(world.writers[1].push(&7_u64), Ok(Some(())));
        assert_eq!(world.readers[1].pop(), Ok(Some(7_u64)));
        assert_eq!(world.readers[2].pop::<u64>(), Ok(None));
    }
}

#[test]
fn claim_of_an_invalid_word_returns_corrupt() {
    for word in [u64::MAX, 6, 7, 1 << 13 | 6] {
        let mut world = World::new(4, 4);
        (0..4).for_each(|position| world.slots.word(position).store(word, Relaxed));
        assert_eq!([world.writers[0].claim(), world.readers[0].claim()], [Err(Corrupt); 2], "{word:x}");
    }
    // A generation that no endpoint has reached may seem valid; but every endpoint returns.
    for (word, turn) in chances(6).zip(0..STEPS) {
        let mut world = World::new(4, 4);
        world.slots.word(turn as u64).store(word >> (turn % 53), Relaxed);
        for end in 0..ENDS {
            let _ = (world.writers[end].push(&1_u64), world.readers[end].pop::<u64>());
        }
    }
    let mut world = World::new(4, 4);
    world.slots.word(4).store(SlotWord::new(0, SlotState::Full).0, Relaxed);
    assert_eq!(world.readers[0].claim(), Err(Corrupt));
    world.slots.word(4).store(SlotWord::new(0, SlotState::Free).0, Relaxed);
    assert_eq!(world.writers[0].claim(), Err(Corrupt));
    assert!(!world.memory.is_empty());
}
