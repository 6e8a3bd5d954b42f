//! The library's shared memory as room for one message.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

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
    memory: Arc<Mapping>,
    start: usize,
}

impl Slot {
    /// The slot of a direction, 0 or 1.
    pub(super) fn new(memory: &Arc<Mapping>, direction: usize) -> Slot {
        Slot { memory: memory.clone(), start: direction * SIZE }
    }

    /// Refuses a message that the slot has no room for.
    #[inline]
    pub(super) fn check(message: &[u8]) -> io::Result<()> {
        if message.len() <= LARGEST { Ok(()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    #[inline]
    pub(super) fn put(&self, message: &[u8]) -> io::Result<()> {
        self.memory.atomic_u64(self.start)?.store(message.len() as u64, Relaxed);
        Ok(self.memory.write_at(self.start + CONTENT, message)?)
    }

    #[inline]
    pub(super) fn take(&self, buffer: &mut [u8]) -> io::Result<()> {
        let length = self.memory.atomic_u64(self.start)?.load(Relaxed);
        exact_length(length as usize, buffer.len())?;
        Ok(self.memory.read_at(self.start + CONTENT, buffer)?)
    }
}
