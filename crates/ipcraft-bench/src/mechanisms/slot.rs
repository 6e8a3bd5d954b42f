//! The library's shared memory as room for one message.
//!
//! `Mapping` copies word by word, since others might write meanwhile. Here the semaphores give the slot to one process at a
//! time, and that process may copy plainly.
#![allow(unsafe_code)]

use std::io;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;

use crate::link::exact_length;
use crate::raw::slot::{CONTENT, LARGEST, SIZE};

/// New memory with that much beside a slot for each direction.
pub(super) fn memory(beside: usize) -> io::Result<Arc<Mapping>> {
    Ok(Arc::new(Memfd::create("ipcraft-bench", 2 * SIZE + beside)?.map()?))
}

/// One slot: the length of the message and then the message. Something else tells whether it is full.
pub(super) struct Slot {
    /// `SIZE` bytes within `_memory`, mapped for writing and aligned to eight.
    start: NonNull<u8>,
    _memory: Arc<Mapping>,
}

impl Slot {
    /// The slot of a direction, 0 or 1.
    pub(super) fn new(memory: &Arc<Mapping>, direction: usize) -> io::Result<Slot> {
        let start = memory.pointer(direction * SIZE, SIZE, align_of::<u64>())?;
        Ok(Slot { start, _memory: memory.clone() })
    }

    /// Refuses a message that the slot has no room for.
    #[inline]
    pub(super) fn check(message: &[u8]) -> io::Result<()> {
        if message.len() <= LARGEST { Ok(()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// For a message that was [checked](Slot::check), while the slot is this process's alone.
    #[inline]
    pub(super) fn put(&self, message: &[u8]) {
        assert!(message.len() <= LARGEST);
        // SAFETY: because by the invariant on `start` and the assertion all of it is within the slot, which nobody
        // else uses now.
        unsafe {
            self.start.cast::<u64>().write(message.len() as u64);
            let content = self.start.add(CONTENT).as_ptr();
            ptr::copy_nonoverlapping(message.as_ptr(), content, message.len());
        }
    }

    /// While the slot is this process's alone.
    #[inline]
    pub(super) fn take(&self, buffer: &mut [u8]) -> io::Result<()> {
        // SAFETY: because by the invariant on `start` the aligned word is within the slot, which nobody else uses
        // now.
        let length = unsafe { self.start.cast::<u64>().read() };
        exact_length(length as usize, buffer.len())?;
        assert!(buffer.len() <= LARGEST);
        // SAFETY: because by the invariant on `start` and the assertion all of it is within the slot, which nobody
        // else uses now.
        unsafe {
            let content = self.start.add(CONTENT).as_ptr();
            ptr::copy_nonoverlapping(content, buffer.as_mut_ptr(), buffer.len());
        }
        Ok(())
    }
}
