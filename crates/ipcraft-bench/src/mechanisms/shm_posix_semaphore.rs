//! One slot of shared memory each way, guarded by two POSIX semaphores in the same memory.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::semaphore::posix::Semaphore;
use ipcraft::shm::Mapping;

use super::slot;
use crate::baseline::posix_semaphore::{self, semaphores};
use crate::baseline::slot::{MAX_MESSAGE, Slot};
use crate::link::{Direction, Directions, Endpoints};
use crate::mechanism::{Implementation, Mechanism};

/// A slot and two POSIX semaphores each way.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "shm_posix_semaphore",
    summary: "a slot of shared memory and two POSIX semaphores, each way",
    family: "memory",
    gives_up: "a dead peer is not noticed; no poll(2)",
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[
        (Implementation::Ipcraft, ipcraft),
        (Implementation::Baseline, posix_semaphore::connect),
    ],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = slot::memory(posix_semaphore::SEMAPHORES_SIZE)?;
    for direction in [0, 1] {
        let [empty, full] = semaphores(direction);
        Semaphore::init_in(&memory, empty, 1)?;
        Semaphore::init_in(&memory, full, 0)?;
    }
    Directions::connect(|direction| Lane::new(&memory, direction))
}

/// One direction.
struct Lane {
    slot: Slot,
    empty: Semaphore,
    full: Semaphore,
}

impl Lane {
    fn new(memory: &Arc<Mapping>, direction: usize) -> io::Result<Lane> {
        let [empty, full] = semaphores(direction);
        Ok(Lane {
            slot: slot::new(memory, direction)?,
            empty: Semaphore::find_in(memory, empty)?,
            full: Semaphore::find_in(memory, full)?,
        })
    }
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = self;
        Slot::check(message)?;
        empty.wait()?;
        slot.put(message);
        Ok(full.post()?)
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = self;
        full.wait()?;
        slot.take(buffer)?;
        Ok(empty.post()?)
    }
}
