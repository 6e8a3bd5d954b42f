//! The ring over memory of the heap, where every access can be watched: `tests/miri.sh` does.

#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::ring::mpmc::{Reader, Writer, reclaim_dead};
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::channel::tests::test_memory::{STARTS, TestMemory, wait};
use crate::shm::Plain;

const SLOTS: u64 = 4;

const MESSAGES: u64 = 6;

fn ring<T: Plain>(start: u64) -> Arc<TestMemory> {
    let memory = TestMemory::new(SlotLayout::new(size_of::<T>()).unwrap().bytes_for(SLOTS).unwrap(), start);
    for position in (0..SLOTS).map(|i| start.wrapping_add(i)) {
        let free = SlotWord::new(Generations::new(SLOTS).of(position), SlotState::Free);
        slots::<T>(&memory).word(position).store(free.0, Relaxed);
    }
    Arc::new(memory)
}

fn slots<T: Plain>(memory: &TestMemory) -> SequencedSlots {
    memory.sequenced_slots::<T>(0, SLOTS)
}

fn writer<T: Plain>(memory: &TestMemory, lease_id: u32) -> Writer {
    // SAFETY: because the tests keep the heap for as long.
    unsafe { Writer::resume(slots::<T>(memory), memory.control(), lease_id) }.unwrap()
}

fn reader<T: Plain>(memory: &TestMemory, lease_id: u32) -> Reader {
    // SAFETY: because of the same.
    unsafe { Reader::resume(slots::<T>(memory), memory.control(), lease_id) }.unwrap()
}

fn transfer<T: Plain>(message: fn(u64) -> T, number: fn(T) -> u64) {
    for start in STARTS {
        let memory = ring::<T>(start);
        let writing = [1, 2].map(|lease_id| {
            let memory = Arc::clone(&memory);
            thread::spawn(move || {
                let mut writer = writer::<T>(&memory, lease_id);
                (0..MESSAGES).for_each(|number| wait(|| writer.push(&message(number))));
            })
        });
        let reading = [3, 4].map(|lease_id| {
            let memory = Arc::clone(&memory);
            thread::spawn(move || {
                let mut reader = reader::<T>(&memory, lease_id);
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
        let memory = ring::<u64>(start);
        let mut dead = writer::<u64>(&memory, 1);
        dead.claim().unwrap().unwrap();
        dead.write(&9_u64);
        let mut sender = writer::<u64>(&memory, 2);
        sender.push(&7_u64).unwrap().unwrap();
        // SAFETY: because the heap is there.
        reclaim_dead(&slots::<u64>(&memory), unsafe { memory.control().as_ref() }, 1);
        let mut dead = reader::<u64>(&memory, 3);
        dead.claim().unwrap().unwrap();
        // SAFETY: because of the same.
        reclaim_dead(&slots::<u64>(&memory), unsafe { memory.control().as_ref() }, 3);
        let mut receiver = reader::<u64>(&memory, 4);
        assert_eq!(receiver.pop::<u64>().unwrap(), Some(7));
        for number in 0..2 * SLOTS {
            sender.push(&number).unwrap().unwrap();
            assert_eq!(receiver.pop::<u64>().unwrap(), Some(number));
        }
    }
}
