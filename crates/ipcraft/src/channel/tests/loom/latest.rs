//! One writer, and one reader of the newest value.

#![allow(unsafe_code)]

use loom::sync::Arc;
use loom::thread;

use crate::channel::ring::newest::Newest;
use crate::channel::ring::seqlock;
use crate::channel::ring::seqlock::{Reader, Writer};
use crate::channel::shared::atomic::Content;
use crate::channel::shared::sequenced_slots::SlotLayout;
use crate::channel::tests::loom::wait;
use crate::channel::tests::test_memory::TestMemory;

/// Two words: half a value differs from a whole one.
type Wire = [u64; 2];

const SLOTS: u64 = 2;

/// Positions wrap on the way.
const START: u64 = u64::MAX;

/// How many values are stored.
const VALUES: u64 = 3;

#[test]
fn what_is_found_is_whole_and_never_older_than_before() {
    loom::model(|| {
        let room = SlotLayout::new(size_of::<Wire>()).unwrap().bytes_for(SLOTS).unwrap();
        let memory = Arc::new(TestMemory::new(room, START));
        seqlock::fill(&memory.sequenced_slots::<Wire>(0, SLOTS), START);
        Content::expect_order(memory.at(0, room), 0);
        let stores = Arc::clone(&memory);
        let storing = thread::spawn(move || {
            // SAFETY: because the model keeps the heap for as long.
            let mut writer =
                unsafe { Writer::resume(stores.sequenced_slots::<Wire>(0, SLOTS), stores.control()) };
            for number in 1..=VALUES {
                writer.begin();
                writer.write(&[number, !number]);
                writer.commit();
            }
        });
        // SAFETY: because of the same.
        let reader = unsafe { Reader::at(memory.sequenced_slots::<Wire>(0, SLOTS), memory.control(), START) };
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
