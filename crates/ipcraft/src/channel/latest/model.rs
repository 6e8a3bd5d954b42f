//! One who stores, and one who looks for the newest.

#![allow(unsafe_code)]

use loom::sync::Arc;
use loom::thread;

use super::newest::Newest;
use crate::channel::atomic::Content;
use crate::channel::heap::Heap;
use crate::channel::model::wait;
use crate::channel::seqlock::{self, Reader, Writer};
use crate::channel::slots::Geometry;

/// Two words, so that half a value can be told from a whole one.
type Wire = [u64; 2];

const SLOTS: u64 = 2;

/// Positions wrap on the way.
const START: u64 = u64::MAX;

/// How many values are stored.
const VALUES: u64 = 3;

#[test]
fn what_is_found_is_whole_and_never_older_than_before() {
    loom::model(|| {
        let room = Geometry::new(size_of::<Wire>()).unwrap().room(SLOTS).unwrap();
        let heap = Arc::new(Heap::new(room, START));
        seqlock::fill(&heap.slots::<Wire>(0, SLOTS), START);
        Content::expect_order(heap.at(0, room), 0);
        let stores = Arc::clone(&heap);
        let storing = thread::spawn(move || {
            // SAFETY: because the model keeps the heap for as long.
            let mut writer = unsafe { Writer::resume(stores.slots::<Wire>(0, SLOTS), stores.flow()) };
            for number in 1..=VALUES {
                writer.begin();
                writer.write(&[number, !number]);
                writer.commit();
            }
        });
        // SAFETY: because of the same.
        let reader = unsafe { Reader::at(heap.slots::<Wire>(0, SLOTS), heap.flow(), START) };
        let mut newest = Newest::new(reader, START);
        let mut known = 0;
        while known < VALUES {
            let (value, version) = wait(|| newest.take::<Wire>(known));
            assert!(version > known);
            assert_eq!(value, [version, !version]);
            known = version;
        }
        storing.join().unwrap();
    });
}
