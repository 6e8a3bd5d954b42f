//! The memory of a ring on the heap, for tests of what the rings do with it: no mapping, no seats, and no sleep.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use super::atomic::Content;
use super::dense::Dense;
use super::flow::Flow;
use super::slots::{Geometry, Slots};
use crate::shm::Plain;

/// Words of which the first is at the beginning of two lines, as those of a mapping are.
#[derive(Default)]
#[repr(align(128))]
#[allow(dead_code, reason = "they are accessed through pointers")]
struct Lines([Content; 16]);

/// A flow and the words beside it. It must stay where it is, and longer than what it hands out.
pub(super) struct Heap {
    flow: Flow,
    lines: Box<[Lines]>,
}

// SAFETY: because both are nothing but atomics.
unsafe impl Send for Heap {}

// SAFETY: because of the same.
unsafe impl Sync for Heap {}

impl Heap {
    /// Room for so many bytes, beside a flow whose positions begin here.
    pub(super) fn new(room: usize, start: u64) -> Heap {
        let flow = Flow::default();
        flow.senders.position.store(start, Relaxed);
        flow.receivers.position.store(start, Relaxed);
        let lines = (0..room.div_ceil(size_of::<[Content; 16]>())).map(|_| Lines::default()).collect();
        Heap { flow, lines }
    }

    pub(super) fn flow(&self) -> NonNull<Flow> {
        NonNull::from(&self.flow)
    }

    /// The words, `offset` bytes after the first.
    pub(super) fn at(&self, offset: usize, room: usize) -> NonNull<u8> {
        assert!(offset + room <= size_of_val(&*self.lines) && offset.is_multiple_of(64));
        // SAFETY: because the place is within the words.
        unsafe { NonNull::from(&*self.lines).cast().add(offset) }
    }

    /// Slots without words.
    pub(super) fn dense<T: Plain>(&self, count: u64) -> Dense<T> {
        let start = self.at(0, Dense::<T>::room(count).unwrap());
        // SAFETY: because `at` checked the range, and the tests keep the heap for as long.
        unsafe { Dense::new(start, count) }
    }

    /// Slots for messages of this type, `offset` bytes after the first word.
    pub(super) fn slots<T: Plain>(&self, offset: usize, count: u64) -> Slots {
        let geometry = Geometry::new(size_of::<T>()).unwrap();
        let start = self.at(offset, geometry.room(count).unwrap());
        // SAFETY: because of the same as in `dense`.
        unsafe { Slots::new(start, count, geometry, size_of::<T>()) }
    }
}

/// Positions from which on each of their parts wraps soon.
#[cfg(not(loom))]
pub(super) const STARTS: [u64; 3] = [0, u32::MAX as u64 - 2, u64::MAX - 2];

/// What can be taken or done once there is a way, which there is when others have gone on.
#[cfg(not(loom))]
pub(super) fn wait<R>(mut attempt: impl FnMut() -> super::end::Attempt<R>) -> R {
    loop {
        if let Some(result) = attempt().expect("what only its own side wrote") {
            return result;
        }
        std::thread::yield_now();
    }
}
