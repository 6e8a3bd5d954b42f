//! Several who write and several who read, of whom one dies at any word.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use loom::sync::Arc;
use loom::thread;

use super::ring::{Reader, Writer, bury};
use super::word::{Laps, State, Word};
use crate::channel::atomic::Content;
use crate::channel::flow::Flow;
use crate::channel::heap::Heap;
use crate::channel::model::{die_after, wait};
use crate::channel::slots::{Geometry, Slots};

const SLOTS: u64 = 2;

/// Positions wrap on the way, and pass one that the others are told of.
const START: u64 = u64::MAX;

/// No end of a model accesses more words than that for one message, if it finds what it wants.
const WORDS: u32 = 8;

fn ring() -> Arc<Heap> {
    let room = Geometry::new(size_of::<u64>()).unwrap().room(SLOTS).unwrap();
    let heap = Arc::new(Heap::new(room, START));
    for position in (0..SLOTS).map(|i| START.wrapping_add(i)) {
        let free = Word::new(Laps::new(SLOTS).of(position), State::Free);
        slots(&heap).word(position).store(free.0, Relaxed);
    }
    Content::expect_order(heap.at(0, room), room);
    heap
}

fn slots(heap: &Heap) -> Slots {
    heap.slots::<u64>(0, SLOTS)
}

fn writer(heap: &Heap, seat: u32) -> Writer {
    // SAFETY: because the models keep the heap for as long.
    unsafe { Writer::resume(slots(heap), heap.flow(), seat) }.unwrap()
}

fn reader(heap: &Heap, seat: u32) -> Reader {
    // SAFETY: because of the same.
    unsafe { Reader::resume(slots(heap), heap.flow(), seat) }.unwrap()
}

fn bury_in(heap: &Heap, seat: u32) {
    // SAFETY: because of the same.
    let flow: &Flow = unsafe { heap.flow().as_ref() };
    bury(&slots(heap), flow, seat);
}

fn take(reader: &mut Reader) -> u64 {
    wait(|| reader.pop())
}

#[test]
fn each_message_of_two_writers_arrives_once() {
    loom::model(|| {
        let heap = ring();
        let others = Arc::clone(&heap);
        let other = thread::spawn(move || {
            let mut writer = writer(&others, 1);
            wait(|| writer.push(&20_u64));
        });
        let reads = Arc::clone(&heap);
        let reading = thread::spawn(move || {
            let mut reader = reader(&reads, 2);
            [(); 2].map(|()| take(&mut reader))
        });
        let mut writer = writer(&heap, 3);
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
        let heap = ring();
        let mut writer = writer(&heap, 1);
        for message in [1_u64, 2] {
            wait(|| writer.push(&message));
        }
        let readers = [2, 3].map(|seat| {
            let heap = Arc::clone(&heap);
            thread::spawn(move || take(&mut reader(&heap, seat)))
        });
        wait(|| writer.push(&4_u64));
        let taken: u64 = readers.map(|reader| reader.join().unwrap()).iter().sum();
        assert_eq!(taken + take(&mut reader(&heap, 4)), 7);
    });
}

#[test]
fn what_a_dead_writer_had_is_nothing_or_a_message() {
    for words in 0..=WORDS {
        loom::model(move || {
            let heap = ring();
            let writes = Arc::clone(&heap);
            let writing = thread::spawn(move || {
                let mut victim = writer(&writes, 1);
                let sent = die_after(words, || wait(|| victim.push(&10_u64)));
                assert!(sent || words < WORDS);
                bury_in(&writes, 1);
                let mut next = writer(&writes, 1);
                for message in [20_u64, 21] {
                    wait(|| next.push(&message));
                }
                sent
            });
            let mut reader = reader(&heap, 2);
            let first = take(&mut reader);
            let whole = first == 10;
            let next = if whole { take(&mut reader) } else { first };
            assert_eq!([next, take(&mut reader)], [20, 21]);
            // Who died at the very end may have sent it.
            assert!(whole || !writing.join().unwrap());
        });
    }
}

#[test]
fn where_a_dead_writer_wrote_another_can() {
    for words in 0..=WORDS {
        loom::model(move || {
            let heap = ring();
            let writes = Arc::clone(&heap);
            let writing = thread::spawn(move || {
                let mut victim = writer(&writes, 1);
                die_after(words, || wait(|| victim.push(&10_u64)));
                bury_in(&writes, 1);
            });
            let (mut writer, mut reader) = (writer(&heap, 2), reader(&heap, 3));
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
            let heap = ring();
            let mut writer = writer(&heap, 1);
            for message in [10_u64, 11] {
                wait(|| writer.push(&message));
            }
            let reads = Arc::clone(&heap);
            let reading = thread::spawn(move || {
                let mut victim = reader(&reads, 2);
                let mut taken = None;
                die_after(words, || taken = Some(take(&mut victim)));
                bury_in(&reads, 2);
                taken
            });
            let mut reader = reader(&heap, 3);
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
