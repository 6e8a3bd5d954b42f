//! One who writes, and one who reads all from when he came.

#![allow(unsafe_code)]

use loom::sync::Arc;
use loom::sync::atomic::AtomicBool;
use loom::thread;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::Overflow;
use super::cursors::{self, Cursors};
use super::ring::{Next, Reader, Writer};
use crate::channel::atomic::Content;
use crate::channel::heap::Heap;
use crate::channel::model::wait;
use crate::channel::seqlock;
use crate::channel::slots::Geometry;

/// Two words, so that half a message can be told from a whole one.
type Wire = [u64; 2];

const fn message(number: u64) -> Wire {
    [number, !number]
}

const SLOTS: u64 = 2;

struct World {
    heap: Heap,
    is_over: AtomicBool,
}

fn world(overflow: Overflow) -> Arc<World> {
    let room = Geometry::new(size_of::<Wire>()).unwrap().room(SLOTS).unwrap();
    let heap = Heap::new(cursors::room(1) + room, 0);
    let ordered = if overflow == Overflow::HoldBack { room } else { 0 };
    Content::expect_order(heap.at(cursors::room(1), room), ordered);
    Arc::new(World { heap, is_over: AtomicBool::new(false) })
}

fn cursors(heap: &Heap) -> Cursors {
    // SAFETY: because the models keep the heap for as long.
    unsafe { Cursors::new(heap.at(0, cursors::room(1)), 1) }
}

fn writer(heap: &Heap, overflow: Overflow) -> Writer {
    let slots = heap.slots::<Wire>(cursors::room(1), SLOTS);
    // SAFETY: because of the same.
    Writer::new(unsafe { seqlock::Writer::resume(slots, heap.flow()) }, cursors(heap), overflow)
}

fn join(heap: &Heap, overflow: Overflow) -> Reader {
    let slots = heap.slots::<Wire>(cursors::room(1), SLOTS);
    // SAFETY: because of the same.
    Reader::join(unsafe { seqlock::Reader::at(slots, heap.flow(), 0) }, cursors(heap), 1, overflow)
}

fn publish_three(world: &World, mut writer: Writer) {
    for number in 0..3 {
        wait(|| writer.push(&message(number)));
    }
    world.is_over.store(true, Release);
}

/// Reads to the end, from a message on that is known or not.
fn read(world: &World, mut reader: Reader, mut expected: Option<u64>) {
    loop {
        let is_over = world.is_over.load(Acquire);
        match reader.pop::<Wire>().unwrap() {
            Some(Next::Message(found)) => {
                let number = expected.unwrap_or(found[0]);
                assert_eq!(found, message(number));
                expected = Some(number + 1);
            }
            Some(Next::Missed(missed)) => expected = expected.map(|number| number + missed),
            None if is_over => break,
            None => thread::yield_now(),
        }
    }
    assert!(matches!(expected, None | Some(3)));
}

fn model(overflow: Overflow, comes_first: bool) {
    loom::model(move || {
        let world = world(overflow);
        let early = comes_first.then(|| join(&world.heap, overflow));
        let writer = writer(&world.heap, overflow);
        let other = Arc::clone(&world);
        let reading = thread::spawn(move || {
            let expected = early.as_ref().map(|_| 0);
            let reader = early.unwrap_or_else(|| join(&other.heap, overflow));
            read(&other, reader, expected);
        });
        publish_three(&world, writer);
        reading.join().unwrap();
    });
}

#[test]
fn who_is_held_back_loses_nothing() {
    model(Overflow::HoldBack, true);
}

#[test]
fn who_comes_meanwhile_loses_nothing_after() {
    model(Overflow::HoldBack, false);
}

#[test]
fn what_is_overwritten_is_counted_and_never_half_read() {
    model(Overflow::Overwrite, true);
}

#[test]
fn who_comes_while_others_are_overwritten_reads_in_order() {
    model(Overflow::Overwrite, false);
}
