//! A slot for one message in the library's shared memory.
//!
//! `Mapping` copies word by word, since other processes may write concurrently. Here the semaphores
//! give the slot to one process at a time, which may copy plainly.
#![allow(unsafe_code)]

use std::io;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;

use crate::baseline::slot::{CONTENT, MAX_MESSAGE, SIZE};
use crate::link::exact_length;

/// Creates memory for a slot in each direction and `additional` bytes.
pub(super) fn memory(additional: usize) -> io::Result<Arc<Mapping>> {
    Ok(Arc::new(Memfd::create("ipcraft-bench", 2 * SIZE + additional)?.map()?))
}

/// One slot: the length of the message, and the message. Whether it is full is kept elsewhere.
pub(super) struct Slot {
    /// `SIZE` bytes within `_memory`, mapped for writing and aligned to eight.
    start: NonNull<u8>,
    _memory: Arc<Mapping>,
}

impl Slot {
    /// Returns the slot of a direction, 0 or 1.
    pub(super) fn new(memory: &Arc<Mapping>, direction: usize) -> io::Result<Slot> {
        let start = memory.pointer(direction * SIZE, SIZE, align_of::<u64>())?;
        Ok(Slot { start, _memory: memory.clone() })
    }

    /// Fails with `InvalidInput` if the message does not fit.
    #[inline]
    pub(super) fn check(message: &[u8]) -> io::Result<()> {
        if message.len() <= MAX_MESSAGE { Ok(()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// Writes a message that was [checked](Slot::check), while this process owns the slot.
    #[inline]
    pub(super) fn put(&self, message: &[u8]) {
        assert!(message.len() <= MAX_MESSAGE);
        // SAFETY: because by the invariant on `start` and the assertion all of it is within the
        // slot, which no other process uses now.
        unsafe {
            self.start.cast::<u64>().write(message.len() as u64);
            let content = self.start.add(CONTENT).as_ptr();
            ptr::copy_nonoverlapping(message.as_ptr(), content, message.len());
        }
    }

    /// Reads the message, while this process owns the slot.
    #[inline]
    pub(super) fn take(&self, buffer: &mut [u8]) -> io::Result<()> {
        // SAFETY: because by the invariant on `start` the aligned word is within the slot, which no
        // other process uses now.
        let length = unsafe { self.start.cast::<u64>().read() };
        exact_length(length as usize, buffer.len())?;
        assert!(buffer.len() <= MAX_MESSAGE);
        // SAFETY: because by the invariant on `start` and the assertion all of it is within the
        // slot, which no other process uses now.
        unsafe {
            let content = self.start.add(CONTENT).as_ptr();
            ptr::copy_nonoverlapping(content, buffer.as_mut_ptr(), buffer.len());
        }
        Ok(())
    }
}
