//! One who stores, and one who wants the newest.

#![allow(unsafe_code)]

use loom::sync::Arc;
use loom::thread;

use super::newest::Newest;
use crate::channel::atomic::Content;
use crate::channel::heap::Heap;
use crate::channel::model::wait;
use crate::channel::seqlock;
use crate::channel::slots::Geometry;

/// Two words, so that half a value can be told from a whole one.
type Wire = [u64; 2];

const SLOTS: u64 = 2;

#[test]
fn every_value_is_whole_and_newer_than_the_last() {
    loom::model(|| {
        let room = Geometry::new(size_of::<Wire>()).unwrap().room(SLOTS).unwrap();
        let heap = Arc::new(Heap::new(room, 0));
        Content::expect_order(heap.at(0, room), 0);
        let reads = Arc::clone(&heap);
        let reading = thread::spawn(move || {
            // SAFETY: because the heap is kept for as long.
            let ring = unsafe { seqlock::Reader::at(reads.slots::<Wire>(0, SLOTS), reads.flow(), 0) };
            let (mut newest, mut known) = (Newest::new(ring, 0), 0);
            while known < 3 {
                let (value, version): (Wire, u64) = wait(|| newest.take(known));
                assert!(version > known && value == [version, !version]);
                known = version;
            }
        });
        // SAFETY: because of the same.
        let mut writer = unsafe { seqlock::Writer::resume(heap.slots::<Wire>(0, SLOTS), heap.flow()) };
        for version in 1..=3_u64 {
            writer.begin();
            writer.write(&[version, !version]);
            writer.commit();
        }
        reading.join().unwrap();
    });
}
