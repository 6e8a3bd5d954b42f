//! Semaphores that count the slots of a ring of messages in shared memory. A unit too many
//! overwrites a message, and a unit too few is a wait that does not end.

use std::cell::Cell;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft::semaphore::{posix, sysv};
use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;
use ipcraft::sysv::Key;
use ipcraft::{Result, name};
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender};

use crate::exchange::{CHUNK, Route};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        name: "posix_named_semaphores",
        sends: &["semaphore::posix::Semaphore::wait"],
        receives: &["semaphore::posix::Semaphore::wait"],
        connect: &|_| ring(Posix([SLOTS, 0].map(named))),
    },
    Route {
        name: "posix_semaphores_in_memory",
        sends: &["semaphore::posix::Semaphore::acquire"],
        receives: &["semaphore::posix::Semaphore::acquire"],
        connect: &|_| {
            let memory = Arc::new(Memfd::create("semaphores", 2 * posix::SIZE).unwrap().map().unwrap());
            let free = posix::Semaphore::init_in(&memory, 0, SLOTS).unwrap();
            ring(Permits([free, posix::Semaphore::init_in(&memory, posix::SIZE, 0).unwrap()]))
        },
    },
    Route {
        name: "sysv_semaphores",
        sends: &["semaphore::sysv::SemaphoreSet::apply"],
        receives: &["semaphore::sysv::SemaphoreSet::apply"],
        connect: &|_| {
            let options = sysv::Options::new().remove_on_drop(true);
            ring(Sysv(options.create_new(Key::PRIVATE, &[SLOTS as u16, 0]).unwrap()))
        },
    },
];

pub(crate) const SLOTS: u32 = 4;
/// A slot holds a message behind its length.
const SLOT: usize = 4 + CHUNK;

fn named(value: u32) -> posix::Semaphore {
    let name = format!("/{}", name::unique("ipcraft-tests"));
    posix::Options::new().remove_on_drop(true).create_new(&name, value).unwrap()
}

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Slots {
    Free,
    Full,
}

/// Two counters that can be waited on, the first of [`SLOTS`] units and the second of none.
pub(crate) trait Counters {
    fn take(&self, which: Slots, form: Form) -> Result<()>;
    fn give(&self, which: Slots) -> Result<()>;
}

struct Posix([posix::Semaphore; 2]);

impl Counters for Posix {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        let semaphore = &self.0[which as usize];
        match form {
            Form::Wait => semaphore.wait(),
            Form::Try => semaphore.try_wait(),
            Form::Within(timeout) => semaphore.wait_timeout(timeout),
        }
    }

    fn give(&self, which: Slots) -> Result<()> {
        self.0[which as usize].post()
    }
}

struct Permits([posix::Semaphore; 2]);

impl Counters for Permits {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        let semaphore = &self.0[which as usize];
        let permit = match form {
            Form::Wait => semaphore.acquire(),
            Form::Try => semaphore.try_acquire(),
            Form::Within(timeout) => semaphore.acquire_timeout(timeout),
        }?;
        permit.keep();
        Ok(())
    }

    fn give(&self, which: Slots) -> Result<()> {
        self.0[which as usize].post()
    }
}

struct Sysv(SemaphoreSet);

impl Counters for Sysv {
    fn take(&self, which: Slots, form: Form) -> Result<()> {
        let take = [Operation::subtract(which as u16, 1)];
        match form {
            Form::Wait => self.0.apply(&take),
            Form::Try => self.0.try_apply(&take),
            Form::Within(timeout) => self.0.apply_timeout(&take, timeout),
        }
    }

    fn give(&self, which: Slots) -> Result<()> {
        self.0.apply(&[Operation::add(which as u16, 1)])
    }
}

pub(crate) fn ring(counters: impl Counters + 'static) -> Ends {
    let memory = Memfd::create("ring", SLOTS as usize * SLOT).unwrap().map().unwrap();
    let ring = Arc::new((memory, counters));
    Ends::new(End { ring: ring.clone(), next: Cell::new(0) }, End { ring, next: Cell::new(0) })
}

struct End<C> {
    ring: Arc<(Mapping, C)>,
    /// The slot of this end's next message.
    next: Cell<usize>,
}

impl<C> End<C> {
    /// The memory, and where in it the next message is.
    fn advance(&self) -> (&Mapping, usize) {
        let slot = self.next.get();
        self.next.set((slot + 1) % SLOTS as usize);
        (&self.ring.0, slot * SLOT)
    }
}

impl<C: Counters> Sender for End<C> {
    fn send(&self, message: &[u8], form: Form) -> Result<usize> {
        self.ring.1.take(Slots::Free, form)?;
        let (memory, slot) = self.advance();
        memory.write_at(slot, &(message.len() as u32).to_le_bytes())?;
        memory.write_at(slot + 4, message)?;
        self.ring.1.give(Slots::Full)?;
        Ok(message.len())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl<C: Counters> Receiver for End<C> {
    fn receive(&self, buffer: &mut [u8], form: Form) -> Result<Option<usize>> {
        self.ring.1.take(Slots::Full, form)?;
        let (memory, slot) = self.advance();
        let mut length = [0; 4];
        memory.read_at(slot, &mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        memory.read_at(slot + 4, &mut buffer[..length])?;
        self.ring.1.give(Slots::Free)?;
        Ok(Some(length))
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
