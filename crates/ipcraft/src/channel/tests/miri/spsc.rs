//! The ring over memory of the heap, where every access can be watched: `tests/miri.sh` does.

#![allow(unsafe_code)]

use std::sync::Arc;
use std::thread;

use crate::channel::Payload;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::shared::slot_array::SlotArray;
use crate::channel::tests::test_memory::{STARTS, TestMemory, pop_many, wait};
use crate::shm::Plain;

const SLOTS: u64 = 4;

/// How many messages each test sends.
const MESSAGES: u64 = 10;

fn ring<T: Plain>(start: u64) -> Arc<TestMemory> {
    Arc::new(TestMemory::new(SlotArray::<T>::bytes_for(SLOTS).unwrap(), start))
}

fn ends<T: Plain>(memory: &TestMemory) -> (Writer<T>, Reader<T>) {
    // SAFETY: because the tests keep the heap for as long.
    unsafe {
        let writer = Writer::resume(memory.slot_array(SLOTS), memory.control()).unwrap();
        (writer, Reader::resume(memory.slot_array(SLOTS), memory.control()))
    }
}

/// Sends from one thread to another, and through the hands of one.
fn transfer<T: Plain + PartialEq + std::fmt::Debug>(message: fn(u64) -> T) {
    for start in STARTS {
        let memory = ring::<T>(start);
        let (mut writer, mut reader) = ends::<T>(&memory);
        for number in 0..MESSAGES {
            writer.push(&message(number), number % 2 == 0).unwrap().unwrap();
            assert_eq!(reader.pop().unwrap(), Some(message(number)));
        }
        assert!(reader.pop().unwrap().is_none());
        let reads = Arc::clone(&memory);
        let reading = thread::spawn(move || {
            let (_, mut reader) = ends::<T>(&reads);
            for number in 0..MESSAGES {
                assert_eq!(wait(|| reader.pop()), message(number));
            }
        });
        for number in 0..MESSAGES {
            wait(|| writer.push(&message(number), number % 3 == 0));
        }
        reading.join().unwrap();
    }
}

#[test]
fn messages_of_all_sizes_go_through() {
    transfer(|number| number as u8);
    transfer(|number| number);
    transfer(|number| [number as u8; 13]);
    transfer(|number| [number; 40]);
}

#[test]
fn batches_go_round() {
    for start in STARTS {
        let memory = ring::<u64>(start);
        let (mut writer, mut reader) = ends::<u64>(&memory);
        let (mut sent, mut taken) = (0, 0);
        while taken < MESSAGES {
            let batch = [sent, sent + 1, sent + 2];
            sent += writer.push_many(&batch).unwrap().unwrap_or(0) as u64;
            let mut buffer = [0; 2];
            let count = pop_many(&mut reader, &mut buffer).unwrap().unwrap();
            for message in &buffer[..count] {
                assert_eq!(*message, taken);
                taken += 1;
            }
        }
    }
}

#[test]
fn messages_are_written_and_read_where_they_lie() {
    for start in STARTS {
        let memory = ring::<[u64; 40]>(start);
        let (mut writer, mut reader) = ends::<[u64; 40]>(&memory);
        for number in 0..MESSAGES {
            // SAFETY: because the heap is there, and no reference to what is in it exists.
            let mut place =
                unsafe { Payload::new(writer.slot_ptr().unwrap().unwrap(), size_of::<[u64; 40]>()) };
            place.write_at(313, &[number as u8; 7]).unwrap();
            writer.commit(1);
            // SAFETY: because of the same.
            let place = unsafe { Payload::new(reader.slot_ptr().unwrap().unwrap(), size_of::<[u64; 40]>()) };
            let mut end = [0; 7];
            place.read_at(313, &mut end).unwrap();
            assert_eq!(end, [number as u8; 7]);
            reader.skip();
        }
    }
}
