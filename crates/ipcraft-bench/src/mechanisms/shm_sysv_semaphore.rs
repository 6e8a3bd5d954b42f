//! One slot of shared memory each way, guarded by two semaphores of a System V set.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft::sysv::Key;

use super::slot;
use crate::baseline::slot::{MAX_MESSAGE, Slot};
use crate::baseline::sysv_semaphore::{self, INITIAL_VALUES, indices};
use crate::link::{Direction, Directions, Endpoints};
use crate::mechanism::{Implementation, Mechanism};

/// A slot and two System V semaphores each way.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "shm_sysv_semaphore",
    summary: "a slot of shared memory and two System V semaphores, each way",
    family: "memory",
    gives_up: "a dead peer is not noticed; no poll(2)",
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[
        (Implementation::Ipcraft, ipcraft),
        (Implementation::Baseline, sysv_semaphore::connect),
    ],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = slot::memory(0)?;
    let set = Options::new().remove_on_drop(true).create_new(Key::PRIVATE, &INITIAL_VALUES)?;
    let set = Arc::new(set);
    let endpoints = Directions::connect(|direction| {
        let [empty, full] = indices(direction);
        Ok(Lane { set: set.clone(), slot: slot::new(&memory, direction)?, empty, full })
    })?;
    Ok(endpoints.with_resources(set))
}

/// One direction.
struct Lane {
    set: Arc<SemaphoreSet>,
    slot: Slot,
    empty: u16,
    full: u16,
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Lane { set, slot, empty, full } = self;
        Slot::check(message)?;
        set.apply(&[Operation::subtract(*empty, 1)])?;
        slot.put(message);
        Ok(set.apply(&[Operation::add(*full, 1)])?)
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Lane { set, slot, empty, full } = self;
        set.apply(&[Operation::subtract(*full, 1)])?;
        slot.take(buffer)?;
        Ok(set.apply(&[Operation::add(*empty, 1)])?)
    }
}
