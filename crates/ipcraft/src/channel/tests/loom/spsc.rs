//! One writer and one reader, in a ring in which both wrap around.

#![allow(unsafe_code)]

use loom::sync::Arc;
use loom::thread;

use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::shared::atomic::Content;
use crate::channel::shared::slot_array::SlotArray;
use crate::channel::tests::loom::wait;
use crate::channel::tests::test_memory::{TestMemory, pop_many};

/// Two words: half a message differs from a whole one.
type Wire = [u64; 2];

const fn message(number: u64) -> Wire {
    [number, !number]
}

const SLOTS: u64 = 2;

/// Positions wrap on the way.
const START: u64 = u64::MAX;

fn ring() -> Arc<TestMemory> {
    let room = SlotArray::<Wire>::bytes_for(SLOTS).unwrap();
    let memory = Arc::new(TestMemory::new(room, START));
    Content::expect_order(memory.at(0, room), room);
    memory
}

fn writer(memory: &TestMemory) -> Writer<Wire> {
    // SAFETY: because the models keep the heap for as long.
    unsafe { Writer::resume(memory.slot_array(SLOTS), memory.control()) }.unwrap()
}

fn reader(memory: &TestMemory) -> Reader<Wire> {
    // SAFETY: because of the same.
    unsafe { Reader::resume(memory.slot_array(SLOTS), memory.control()) }
}

/// Runs both concurrently.
fn model(write: fn(Writer<Wire>), read: fn(Reader<Wire>)) {
    loom::model(move || {
        let memory = ring();
        let reads = Arc::clone(&memory);
        let reading = thread::spawn(move || read(reader(&reads)));
        write(writer(&memory));
        reading.join().unwrap();
    });
}

fn take_three(mut reader: Reader<Wire>) {
    for number in 0..3 {
        assert_eq!(wait(|| reader.pop()), message(number));
    }
}

#[test]
fn each_message_arrives_whole_and_in_order() {
    let write = |mut writer: Writer<Wire>| {
        for number in 0..3 {
            wait(|| writer.push(&message(number), false));
        }
    };
    model(write, take_three);
}

#[test]
fn copies_beside_the_position_are_of_the_message() {
    let write = |mut writer: Writer<Wire>| {
        for number in 0..3 {
            wait(|| writer.push(&message(number), true));
        }
    };
    model(write, take_three);
}

#[test]
fn batches_arrive_whole_and_in_order() {
    let write = |mut writer: Writer<Wire>| {
        let messages = [0, 1, 2].map(message);
        let mut sent = 0;
        while sent < messages.len() {
            sent += wait(|| writer.push_many(&messages[sent..]));
        }
    };
    let read = |mut reader: Reader<Wire>| {
        let mut taken = 0;
        while taken < 3 {
            let mut buffer = [[0; 2]; 2];
            let count = wait(|| pop_many(&mut reader, &mut buffer));
            for found in &buffer[..count] {
                assert_eq!(*found, message(taken));
                taken += 1;
            }
        }
    };
    model(write, read);
}

#[test]
fn messages_are_written_and_read_in_place() {
    let write = |mut writer: Writer<Wire>| {
        for number in 0..3 {
            wait(|| writer.slot_ptr());
            writer.write(&message(number));
            writer.commit(1);
        }
    };
    let read = |mut reader: Reader<Wire>| {
        for number in 0..3 {
            wait(|| reader.slot_ptr());
            assert_eq!(reader.read_nth(0), message(number));
            reader.skip();
        }
    };
    model(write, read);
}
