//! A slot of shared memory each way, guarded by two POSIX semaphores, on libc.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::rc::Rc;

use libc::sem_t;

use super::check;
use super::slot::{self, Memory, Slot};
use crate::link::{Direction, Directions, Endpoints};

/// Bytes between semaphores, so that no two share a cache line, even if the CPU fetches lines in
/// pairs.
const STRIDE: usize = 128;

/// The bytes of the semaphores behind the slots.
pub(crate) const SEMAPHORES_SIZE: usize = 5 * STRIDE;

/// Returns the offsets of a direction's semaphores, which count the empty and the full slots.
pub(crate) fn semaphores(direction: usize) -> [usize; 2] {
    let first = (2 * slot::SIZE).next_multiple_of(STRIDE) + direction * 2 * STRIDE;
    [first, first + STRIDE]
}

/// Connects two endpoints.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = Memory::new(SEMAPHORES_SIZE)?;
    [0, 1].map(|direction| Lane::new(&memory, direction)).iter().try_for_each(Lane::init)?;
    Directions::connect(|direction| Ok(Lane::new(&memory, direction)))
}

/// One direction.
struct Lane {
    slot: Slot,
    /// Both are semaphores in the memory that `slot` keeps mapped, initialised before the first
    /// message.
    empty: *mut sem_t,
    full: *mut sem_t,
}

impl Lane {
    fn new(memory: &Rc<Memory>, direction: usize) -> Lane {
        let [empty, full] = semaphores(direction).map(|offset| memory.at(offset).cast::<sem_t>());
        Lane { slot: Slot::new(memory, direction), empty, full }
    }

    /// Initialises the semaphores of a direction that is not yet in use.
    fn init(&self) -> io::Result<()> {
        for (semaphore, value) in [(self.empty, 1), (self.full, 0)] {
            // SAFETY: because sem_init(3) writes a sem_t to an aligned address in the memory, which
            // is not yet in use.
            check(unsafe { libc::sem_init(semaphore, 1, value) })?;
        }
        Ok(())
    }
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = self;
        Slot::check(message)?;
        wait(*empty)?;
        slot.put(message);
        post(*full)
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = self;
        wait(*full)?;
        slot.take(buffer)?;
        post(*empty)
    }
}

#[inline]
fn wait(semaphore: *mut sem_t) -> io::Result<()> {
    loop {
        // SAFETY: because by the invariant on the fields of `Lane`, the source of the pointer, it
        // leads to a semaphore.
        match check(unsafe { libc::sem_wait(semaphore) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done.map(drop),
        }
    }
}

#[inline]
fn post(semaphore: *mut sem_t) -> io::Result<()> {
    // SAFETY: because by the invariant on the fields of `Lane`, the source of the pointer, it leads
    // to a semaphore.
    check(unsafe { libc::sem_post(semaphore) }).map(drop)
}
