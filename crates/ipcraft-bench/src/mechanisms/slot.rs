//! Slots for messages in the library's shared memory.
//!
//! `Mapping` copies word by word, since other processes may write concurrently. Here semaphores or
//! a futex give the slot to one process at a time, which may copy plainly, as the baselines do.
#![allow(unsafe_code)]

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;

use crate::baseline::slot::{SIZE, Slot};

/// Creates memory for a slot in each direction and `additional` bytes.
pub(super) fn memory(additional: usize) -> io::Result<Arc<Mapping>> {
    Ok(Arc::new(Memfd::create("ipcraft-bench", 2 * SIZE + additional)?.map()?))
}

/// Returns the slot of a direction, 0 or 1.
pub(super) fn new(memory: &Arc<Mapping>, direction: usize) -> io::Result<Slot> {
    let start = memory.pointer(direction * SIZE, SIZE, align_of::<u64>())?;
    // SAFETY: because `pointer` checked that these aligned bytes are mapped, and the slot keeps the
    // mapping.
    Ok(unsafe { Slot::from_raw(start.as_ptr(), Rc::new(memory.clone())) })
}
