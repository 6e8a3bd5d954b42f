//! The memory of a ring on the heap, for tests of the rings: no mapping, no leases, and no
//! blocking.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_utils::CachePadded;

use crate::channel::shared::atomic::Content;
use crate::channel::shared::control::RingControl;
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::channel::shared::slot_array::SlotArray;
use crate::shm::Plain;

/// Words that start at a multiple of 128 bytes, as those of a mapping do.
type Lines = CachePadded<[Content; 16]>;

/// A control block and the words beside it. It must not move, and must outlive the rings in it.
pub(crate) struct TestMemory {
    control: RingControl,
    lines: Box<[Lines]>,
}

// SAFETY: because both are nothing but atomics.
unsafe impl Send for TestMemory {}

// SAFETY: because both are nothing but atomics, which threads may share.
unsafe impl Sync for TestMemory {}

impl TestMemory {
    /// Room for this many bytes, beside a control block whose positions begin here.
    pub(crate) fn new(room: usize, start: u64) -> TestMemory {
        let control = RingControl::default();
        control.senders.position.store(start, Relaxed);
        control.receivers.position.store(start, Relaxed);
        let lines = (0..room.div_ceil(size_of::<[Content; 16]>())).map(|_| Lines::default()).collect();
        TestMemory { control, lines }
    }

    pub(crate) fn control(&self) -> NonNull<RingControl> {
        NonNull::from(&self.control)
    }

    /// The words, `offset` bytes after the first.
    pub(crate) fn at(&self, offset: usize, room: usize) -> NonNull<u8> {
        assert!(offset + room <= size_of_val(&*self.lines) && offset.is_multiple_of(64));
        // SAFETY: because the place is within the words.
        unsafe { NonNull::from(&*self.lines).cast().add(offset) }
    }

    /// Slots without words.
    pub(crate) fn slot_array<T: Plain>(&self, count: u64) -> SlotArray<T> {
        let start = self.at(0, SlotArray::<T>::bytes_for(count).unwrap());
        // SAFETY: because `at` checked the range, and the tests keep the heap for as long.
        unsafe { SlotArray::new(start, count) }
    }

    /// Slots for messages of this type, `offset` bytes after the first word.
    pub(crate) fn sequenced_slots<T: Plain>(&self, offset: usize, count: u64) -> SequencedSlots {
        let layout = SlotLayout::new(size_of::<T>()).unwrap();
        let start = self.at(offset, layout.bytes_for(count).unwrap());
        // SAFETY: because of the same as in `dense`.
        unsafe { SequencedSlots::new(start, count, layout, size_of::<T>()) }
    }
}

/// Positions from which on each of their parts wraps soon.
#[cfg(not(loom))]
pub(crate) const STARTS: [u64; 3] = [0, u32::MAX as u64 - 2, u64::MAX - 2];

/// What can be taken or done once there is a way, which there is when others have gone on.
#[cfg(not(loom))]
pub(crate) fn wait<R>(mut attempt: impl FnMut() -> crate::channel::ring::TryResult<R>) -> R {
    loop {
        if let Some(result) = attempt().expect("what only its own side wrote") {
            return result;
        }
        std::thread::yield_now();
    }
}

/// Takes the messages that fit into the buffer, and returns their number, if there are any.
pub(crate) fn pop_many<T: Plain>(
    reader: &mut crate::channel::ring::spsc::Reader<T>,
    buffer: &mut [T],
) -> crate::channel::ring::TryResult<usize> {
    Ok(reader.find_many()?.map(|found| {
        let count = buffer.len().min(found as usize);
        reader.read_many(&mut buffer[..count]);
        reader.release_many(count);
        count
    }))
}
