//! Several who write and several who read, some of whom die.

#![allow(unsafe_code)]

use loom::sync::Arc;
use loom::thread;

use super::ring::{Reader, Writer, bury};
use crate::channel::atomic::Content;
use crate::channel::heap::Heap;
use crate::channel::model::{die_after, wait};
use crate::channel::slots::{Geometry, Slots};

type Wire = u64;

const SLOTS: u64 = 2;

/// More words than anybody accesses who does one thing undisturbed.
const LIFE: u32 = 10;

fn ring() -> Arc<Heap> {
    let room = Geometry::new(size_of::<Wire>()).unwrap().room(SLOTS).unwrap();
    let heap = Arc::new(Heap::new(room, 0));
    Content::expect_order(heap.at(0, room), room);
    heap
}

fn slots(heap: &Heap) -> Slots {
    heap.slots::<Wire>(0, SLOTS)
}

fn writer(heap: &Heap, seat: u32) -> Writer {
    // SAFETY: because the models keep the heap for as long.
    unsafe { Writer::resume(slots(heap), heap.flow(), seat) }.unwrap()
}

fn reader(heap: &Heap, seat: u32) -> Reader {
    // SAFETY: because of the same.
    unsafe { Reader::resume(slots(heap), heap.flow(), seat) }.unwrap()
}

fn bury_at(heap: &Heap, seat: u32) {
    // SAFETY: because of the same.
    bury(&slots(heap), unsafe { heap.flow().as_ref() }, seat);
}

#[test]
fn what_two_write_one_reads_once() {
    loom::model(|| {
        let heap = ring();
        let writing = [0, 1].map(|number| {
            let heap = Arc::clone(&heap);
            thread::spawn(move || {
                let mut writer = writer(&heap, number);
                wait(|| writer.push(&u64::from(number)));
            })
        });
        let mut reader = reader(&heap, 64);
        let mut found = [0; 2].map(|_: u64| wait(|| reader.pop::<Wire>()));
        found.sort();
        assert_eq!(found, [0, 1]);
        writing.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(reader.pop::<Wire>(), Ok(None));
    });
}

#[test]
fn what_one_writes_one_of_two_reads() {
    loom::model(|| {
        let heap = ring();
        let reading = [64, 65].map(|seat| {
            let heap = Arc::clone(&heap);
            thread::spawn(move || {
                let mut reader = reader(&heap, seat);
                reader.pop::<Wire>().unwrap()
            })
        });
        let mut writer = writer(&heap, 0);
        for number in 0..2_u64 {
            wait(|| writer.push(&number));
        }
        let mut found: Vec<_> = reading.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
        let mut last = reader(&heap, 66);
        while let Some(message) = last.pop::<Wire>().unwrap() {
            found.push(message);
        }
        found.sort();
        assert_eq!(found, [0, 1]);
    });
}

#[test]
fn a_writer_that_dies_has_written_all_or_nothing() {
    for words in 0..LIFE {
        loom::model(move || {
            let heap = ring();
            let others = Arc::clone(&heap);
            let writing = thread::spawn(move || {
                let mut dying = writer(&others, 0);
                let lived = die_after(words, || wait(|| dying.push(&0_u64)));
                bury_at(&others, 0);
                let mut heir = writer(&others, 1);
                wait(|| heir.push(&1_u64));
                lived
            });
            let mut reader = reader(&heap, 64);
            let mut found = vec![];
            while found.last() != Some(&1) {
                found.push(wait(|| reader.pop::<Wire>()));
            }
            let lived = writing.join().unwrap();
            assert!(if lived { found == [0, 1] } else { found == [1] || found == [0, 1] });
        });
    }
}

#[test]
fn what_a_reader_had_that_died_another_reads() {
    for words in 0..LIFE {
        loom::model(move || {
            let heap = ring();
            let mut writer = writer(&heap, 0);
            for number in 0..2_u64 {
                wait(|| writer.push(&number));
            }
            let others = Arc::clone(&heap);
            let reading = thread::spawn(move || {
                let mut dying = reader(&others, 64);
                let mut found = None;
                die_after(words, || found = dying.pop::<Wire>().unwrap());
                bury_at(&others, 64);
                found
            });
            let mut reader = reader(&heap, 65);
            let mut found: Vec<_> = reader.pop::<Wire>().unwrap().into_iter().collect();
            found.extend(reading.join().unwrap());
            while let Some(message) = reader.pop::<Wire>().unwrap() {
                found.push(message);
            }
            found.sort();
            assert_eq!(found, [0, 1]);
        });
    }
}
