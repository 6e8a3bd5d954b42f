//! The ring over memory of the heap, where every access can be watched: `tests/miri.sh` does.

#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use super::ring::{Reader, Writer, bury};
use super::word::{Laps, State, Word};
use crate::channel::heap::{Heap, STARTS, wait};
use crate::channel::slots::{Geometry, Slots};
use crate::shm::Plain;

const SLOTS: u64 = 4;

const MESSAGES: u64 = 6;

fn ring<T: Plain>(start: u64) -> Arc<Heap> {
    let heap = Heap::new(Geometry::new(size_of::<T>()).unwrap().room(SLOTS).unwrap(), start);
    for position in (0..SLOTS).map(|i| start.wrapping_add(i)) {
        let free = Word::new(Laps::new(SLOTS).of(position), State::Free);
        slots::<T>(&heap).word(position).store(free.0, Relaxed);
    }
    Arc::new(heap)
}

fn slots<T: Plain>(heap: &Heap) -> Slots {
    heap.slots::<T>(0, SLOTS)
}

fn writer<T: Plain>(heap: &Heap, seat: u32) -> Writer {
    // SAFETY: because the tests keep the heap for as long.
    unsafe { Writer::resume(slots::<T>(heap), heap.flow(), seat) }.unwrap()
}

fn reader<T: Plain>(heap: &Heap, seat: u32) -> Reader {
    // SAFETY: because of the same.
    unsafe { Reader::resume(slots::<T>(heap), heap.flow(), seat) }.unwrap()
}

fn transfer<T: Plain>(message: fn(u64) -> T, number: fn(T) -> u64) {
    for start in STARTS {
        let heap = ring::<T>(start);
        let writing = [1, 2].map(|seat| {
            let heap = Arc::clone(&heap);
            thread::spawn(move || {
                let mut writer = writer::<T>(&heap, seat);
                (0..MESSAGES).for_each(|number| wait(|| writer.push(&message(number))));
            })
        });
        let reading = [3, 4].map(|seat| {
            let heap = Arc::clone(&heap);
            thread::spawn(move || {
                let mut reader = reader::<T>(&heap, seat);
                (0..MESSAGES).map(|_| number(wait(|| reader.pop::<T>()))).sum::<u64>()
            })
        });
        writing.into_iter().for_each(|writer| writer.join().unwrap());
        let sum: u64 = reading.map(|reader| reader.join().unwrap()).iter().sum();
        assert_eq!(sum, MESSAGES * (MESSAGES - 1));
    }
}

#[test]
fn messages_of_all_sizes_go_through() {
    transfer(|number| number, |message| message);
    transfer(|number| [number; 40], |message| message[39]);
}

#[test]
fn what_the_dead_had_goes_round_again() {
    for start in STARTS {
        let heap = ring::<u64>(start);
        let mut dead = writer::<u64>(&heap, 1);
        dead.claim().unwrap().unwrap();
        dead.write(&9_u64);
        let mut sender = writer::<u64>(&heap, 2);
        sender.push(&7_u64).unwrap().unwrap();
        // SAFETY: because the heap is there.
        bury(&slots::<u64>(&heap), unsafe { heap.flow().as_ref() }, 1);
        let mut dead = reader::<u64>(&heap, 3);
        dead.claim().unwrap().unwrap();
        // SAFETY: because of the same.
        bury(&slots::<u64>(&heap), unsafe { heap.flow().as_ref() }, 3);
        let mut receiver = reader::<u64>(&heap, 4);
        assert_eq!(receiver.pop::<u64>().unwrap(), Some(7));
        for number in 0..2 * SLOTS {
            sender.push(&number).unwrap().unwrap();
            assert_eq!(receiver.pop::<u64>().unwrap(), Some(number));
        }
    }
}
