//! Several writers and several readers, one of which dies at any word.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use loom::sync::Arc;
use loom::thread;

use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::ring::mpmc::{Reader, Writer, reclaim_dead};
use crate::channel::shared::atomic::Content;
use crate::channel::shared::control::RingControl;
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::channel::tests::loom::{crash_after, wait};
use crate::channel::tests::test_memory::TestMemory;

const SLOTS: u64 = 2;

/// Positions wrap on the way, and pass one at which a hint is published.
const START: u64 = u64::MAX;

/// No end of a model accesses more words than that for one message, if it finds what it wants.
const WORDS: u32 = 8;

fn ring() -> Arc<TestMemory> {
    let room = SlotLayout::new(size_of::<u64>()).unwrap().bytes_for(SLOTS).unwrap();
    let memory = Arc::new(TestMemory::new(room, START));
    for position in (0..SLOTS).map(|i| START.wrapping_add(i)) {
        let free = SlotWord::new(Generations::new(SLOTS).of(position), SlotState::Free);
        slots(&memory).word(position).store(free.0, Relaxed);
    }
    Content::expect_order(memory.at(0, room), room);
    memory
}

fn slots(memory: &TestMemory) -> SequencedSlots {
    memory.sequenced_slots::<u64>(0, SLOTS)
}

fn writer(memory: &TestMemory, lease_id: u32) -> Writer {
    // SAFETY: because the models keep the heap for as long.
    unsafe { Writer::resume(slots(memory), memory.control(), lease_id) }.unwrap()
}

fn reader(memory: &TestMemory, lease_id: u32) -> Reader {
    // SAFETY: because of the same.
    unsafe { Reader::resume(slots(memory), memory.control(), lease_id) }.unwrap()
}

fn reclaim_dead_in(memory: &TestMemory, lease_id: u32) {
    // SAFETY: because of the same.
    let control: &RingControl = unsafe { memory.control().as_ref() };
    reclaim_dead(&slots(memory), control, lease_id);
}

fn take(reader: &mut Reader) -> u64 {
    wait(|| reader.pop())
}

#[test]
fn each_message_of_two_writers_arrives_once() {
    loom::model(|| {
        let memory = ring();
        let others = Arc::clone(&memory);
        let other = thread::spawn(move || {
            let mut writer = writer(&others, 1);
            wait(|| writer.push(&20_u64));
        });
        let reads = Arc::clone(&memory);
        let reading = thread::spawn(move || {
            let mut reader = reader(&reads, 2);
            [(); 2].map(|()| take(&mut reader))
        });
        let mut writer = writer(&memory, 3);
        wait(|| writer.push(&10_u64));
        let mut taken = reading.join().unwrap();
        taken.sort();
        assert_eq!(taken, [10, 20]);
        other.join().unwrap();
    });
}

#[test]
fn each_message_goes_to_one_of_two_readers() {
    loom::model(|| {
        let memory = ring();
        let mut writer = writer(&memory, 1);
        for message in [1_u64, 2] {
            wait(|| writer.push(&message));
        }
        let readers = [2, 3].map(|lease_id| {
            let memory = Arc::clone(&memory);
            thread::spawn(move || take(&mut reader(&memory, lease_id)))
        });
        wait(|| writer.push(&4_u64));
        let taken: u64 = readers.map(|reader| reader.join().unwrap()).iter().sum();
        assert_eq!(taken + take(&mut reader(&memory, 4)), 7);
    });
}

#[test]
fn what_a_dead_writer_had_is_nothing_or_a_message() {
    for words in 0..=WORDS {
        loom::model(move || {
            let memory = ring();
            let writes = Arc::clone(&memory);
            let writing = thread::spawn(move || {
                let mut victim = writer(&writes, 1);
                let sent = crash_after(words, || wait(|| victim.push(&10_u64)));
                assert!(sent || words < WORDS);
                reclaim_dead_in(&writes, 1);
                let mut next = writer(&writes, 1);
                for message in [20_u64, 21] {
                    wait(|| next.push(&message));
                }
                sent
            });
            let mut reader = reader(&memory, 2);
            let first = take(&mut reader);
            let whole = first == 10;
            let next = if whole { take(&mut reader) } else { first };
            assert_eq!([next, take(&mut reader)], [20, 21]);
            // A writer that died at the very end may have sent it.
            assert!(whole || !writing.join().unwrap());
        });
    }
}

#[test]
fn where_a_dead_writer_wrote_another_can() {
    for words in 0..=WORDS {
        loom::model(move || {
            let memory = ring();
            let writes = Arc::clone(&memory);
            let writing = thread::spawn(move || {
                let mut victim = writer(&writes, 1);
                crash_after(words, || wait(|| victim.push(&10_u64)));
                reclaim_dead_in(&writes, 1);
            });
            let (mut writer, mut reader) = (writer(&memory, 2), reader(&memory, 3));
            for message in [20_u64, 21] {
                wait(|| writer.push(&message));
                let taken = take(&mut reader);
                assert!(taken == message || taken == 10 && take(&mut reader) == message);
            }
            writing.join().unwrap();
        });
    }
}

#[test]
fn what_a_dead_reader_had_goes_to_another() {
    for words in 0..=WORDS {
        loom::model(move || {
            let memory = ring();
            let mut writer = writer(&memory, 1);
            for message in [10_u64, 11] {
                wait(|| writer.push(&message));
            }
            let reads = Arc::clone(&memory);
            let reading = thread::spawn(move || {
                let mut victim = reader(&reads, 2);
                let mut taken = None;
                crash_after(words, || taken = Some(take(&mut victim)));
                reclaim_dead_in(&reads, 2);
                taken
            });
            let mut reader = reader(&memory, 3);
            let mut taken = vec![take(&mut reader)];
            taken.extend(reading.join().unwrap());
            while let Some(message) = reader.pop().unwrap() {
                taken.push(message);
            }
            taken.sort();
            assert_eq!(taken, [10, 11]);
            // There is room again.
            for message in [12_u64, 13] {
                assert!(writer.push(&message).unwrap().is_some());
            }
        });
    }
}
