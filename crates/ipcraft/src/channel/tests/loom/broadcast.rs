//! One publisher, and one subscriber that joins concurrently, blocking or overwriting.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Release};

use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::thread;

use crate::channel::ring::broadcast::Overflow;
use crate::channel::ring::broadcast::{Next, Reader, Writer};
use crate::channel::ring::cursors;
use crate::channel::ring::cursors::Cursors;
use crate::channel::ring::seqlock;
use crate::channel::shared::atomic::Content;
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::channel::tests::loom::{crash_after, wait};
use crate::channel::tests::test_memory::TestMemory;

/// A number, mixed with its writer: half a message differs from a whole one.
type Wire = [u64; 2];

const fn message(number: u64, by: u64) -> Wire {
    [number, number ^ by]
}

const SLOTS: u64 = 2;

const READERS: u32 = 1;

/// Positions wrap on the way.
const START: u64 = u64::MAX;

struct World {
    memory: TestMemory,
    /// Nothing more is published.
    is_over: AtomicBool,
    overflow: Overflow,
}

/// The slots begin at a line.
fn beside() -> usize {
    cursors::bytes_for(READERS.into()).next_multiple_of(64)
}

impl World {
    fn new(overflow: Overflow) -> Arc<World> {
        let room = SlotLayout::new(size_of::<Wire>()).unwrap().bytes_for(SLOTS).unwrap();
        let world = World {
            memory: TestMemory::new(beside() + room, START),
            is_over: AtomicBool::new(false),
            overflow,
        };
        seqlock::fill(&world.slots(), START);
        let ordered = if overflow == Overflow::Block { room } else { 0 };
        Content::expect_order(world.memory.at(beside(), room), ordered);
        Arc::new(world)
    }

    fn slots(&self) -> SequencedSlots {
        self.memory.sequenced_slots::<Wire>(beside(), SLOTS)
    }

    fn cursors(&self) -> Cursors {
        // SAFETY: because the models keep the heap for as long.
        unsafe { Cursors::new(self.memory.at(0, cursors::bytes_for(READERS.into())), READERS) }
    }

    fn writer(&self) -> Writer {
        // SAFETY: because of the same.
        let ring = unsafe { seqlock::Writer::resume(self.slots(), self.memory.control()) };
        Writer::new(ring, self.cursors(), self.overflow)
    }

    fn reader(&self) -> Reader {
        // SAFETY: because of the same.
        let ring = unsafe { seqlock::Reader::at(self.slots(), self.memory.control(), START) };
        Reader::join(ring, self.cursors(), 1, self.overflow)
    }

    fn publish(&self, numbers: std::ops::Range<u64>) {
        let mut writer = self.writer();
        for number in numbers {
            wait(|| writer.push(&message(number, 1)));
        }
        self.is_over.store(true, Release);
    }

    /// Reads to the end, and returns the next number. A subscriber that joined before knows the
    /// `first`.
    fn read(&self, mut reader: Reader, first: Option<u64>) -> Option<u64> {
        let mut expected = first;
        loop {
            let is_over = self.is_over.load(Acquire);
            match reader.pop::<Wire>().expect("what only the writer wrote") {
                Some(Next::Message([number, mixed])) => {
                    assert!([1, 2].contains(&(number ^ mixed)), "half of two messages");
                    assert_eq!(expected.unwrap_or(number), number);
                    expected = Some(number + 1);
                }
                Some(Next::Lagged(count)) => expected = expected.map(|number| number + count),
                None if is_over => return expected,
                None => thread::yield_now(),
            }
        }
    }
}

/// A subscriber that joined before gets all messages, or learns how many it missed.
fn is_complete(overflow: Overflow, numbers: u64) {
    loom::model(move || {
        let world = World::new(overflow);
        let reader = world.reader();
        let publishes = Arc::clone(&world);
        let publishing = thread::spawn(move || publishes.publish(0..numbers));
        assert_eq!(world.read(reader, Some(0)), Some(numbers));
        publishing.join().unwrap();
    });
}

/// A subscriber that joins concurrently gets all messages from some message on.
fn can_be_joined(overflow: Overflow, numbers: u64) {
    loom::model(move || {
        let world = World::new(overflow);
        let publishes = Arc::clone(&world);
        let publishing = thread::spawn(move || publishes.publish(0..numbers));
        let next = world.read(world.reader(), None);
        assert!(next.is_none_or(|next| next == numbers));
        publishing.join().unwrap();
    });
}

#[test]
fn a_publisher_that_is_held_back_overwrites_nothing() {
    is_complete(Overflow::Block, 3);
}

#[test]
fn join_of_a_blocking_publisher_gets_all_later_messages() {
    can_be_joined(Overflow::Block, 4);
}

#[test]
fn what_is_overwritten_is_counted_and_never_seen_half() {
    is_complete(Overflow::Overwrite, 4);
}

#[test]
fn join_of_an_overwriting_publisher_gets_all_or_lagged() {
    can_be_joined(Overflow::Overwrite, 4);
}

#[test]
fn resume_after_a_crash_continues_the_messages() {
    for words in 0..=12 {
        loom::model(move || {
            let world = World::new(Overflow::Overwrite);
            let reader = world.reader();
            let publishes = Arc::clone(&world);
            let publishing = thread::spawn(move || {
                let mut victim = publishes.writer();
                let mut sent = 0;
                crash_after(words, || {
                    for number in 0..2 {
                        wait(|| victim.push(&message(number, 2)));
                        sent = number + 1;
                    }
                });
                assert!(sent == 2 || words < 12);
                // SAFETY: because the model keeps the heap for as long.
                let next = unsafe { seqlock::Writer::resume(publishes.slots(), publishes.memory.control()) };
                let tail = next.tail().wrapping_sub(START);
                assert!(tail == sent || tail == sent + 1);
                publishes.publish(tail..3);
            });
            assert_eq!(world.read(reader, Some(0)), Some(3));
            publishing.join().unwrap();
        });
    }
}
