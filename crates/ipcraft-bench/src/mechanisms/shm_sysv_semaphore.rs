//! One slot of shared memory each way, guarded by two semaphores of a System V set.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft::shm::Mapping;
use ipcraft::sysv::Key;

use super::slot::{self, Slot};
use crate::baseline::slot::MAX_MESSAGE;
use crate::baseline::sysv_semaphore::{self, INITIAL_VALUES, indices};
use crate::link::{Endpoints, Link};
use crate::mechanism::{Implementation, Mechanism};

/// A slot and two System V semaphores each way.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "shm_sysv_semaphore",
    summary: "a slot of shared memory and two System V semaphores, each way",
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
    let end = |outgoing, incoming| -> io::Result<Endpoint> {
        let (outgoing, incoming) = (Lane::new(&memory, outgoing)?, Lane::new(&memory, incoming)?);
        Ok(Endpoint { set: set.clone(), outgoing, incoming })
    };
    Ok(Endpoints::new(end(0, 1)?, end(1, 0)?).with_resources(set))
}

struct Endpoint {
    set: Arc<SemaphoreSet>,
    outgoing: Lane,
    incoming: Lane,
}

/// One direction.
struct Lane {
    slot: Slot,
    empty: u16,
    full: u16,
}

impl Lane {
    fn new(memory: &Arc<Mapping>, direction: usize) -> io::Result<Lane> {
        let [empty, full] = indices(direction);
        Ok(Lane { slot: Slot::new(memory, direction)?, empty, full })
    }
}

impl Link for Endpoint {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = &self.outgoing;
        Slot::check(message)?;
        self.set.apply(&[Operation::subtract(*empty, 1)])?;
        slot.put(message);
        Ok(self.set.apply(&[Operation::add(*full, 1)])?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = &self.incoming;
        self.set.apply(&[Operation::subtract(*full, 1)])?;
        slot.take(buffer)?;
        Ok(self.set.apply(&[Operation::add(*empty, 1)])?)
    }
}
