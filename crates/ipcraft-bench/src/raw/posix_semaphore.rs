//! A slot of shared memory each way, guarded by two POSIX semaphores, on libc.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::rc::Rc;

use libc::sem_t;

use super::check;
use super::slot::{self, Memory, Slot};
use crate::link::{Ends, Link};

/// Bytes from one semaphore to the next, so that no two share a cache line, also when the processor fetches lines in pairs.
const APART: usize = 128;

/// The bytes that the semaphores take behind the slots.
pub(crate) const ROOM: usize = 5 * APART;

/// Where the semaphores of a direction are: the one that counts empty slots and the one that counts full ones.
pub(crate) fn semaphores(direction: usize) -> [usize; 2] {
    let first = (2 * slot::SIZE).next_multiple_of(APART) + direction * 2 * APART;
    [first, first + APART]
}

/// The raw twin.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Ends> {
    let memory = Memory::new(ROOM)?;
    let (there, back) = (Lane::init(&memory, 0)?, Lane::init(&memory, 1)?);
    Ok(Ends::new(
        End { outgoing: there.clone(), incoming: back.clone() },
        End { outgoing: back, incoming: there },
    ))
}

struct End {
    outgoing: Rc<Lane>,
    incoming: Rc<Lane>,
}

/// A direction.
struct Lane {
    slot: Slot,
    /// Both are initialised semaphores in the memory that `slot` keeps mapped.
    empty: *mut sem_t,
    full: *mut sem_t,
}

impl Lane {
    fn init(memory: &Rc<Memory>, direction: usize) -> io::Result<Rc<Lane>> {
        let [empty, full] = semaphores(direction).map(|offset| memory.at(offset).cast::<sem_t>());
        for (semaphore, value) in [(empty, 1), (full, 0)] {
            // SAFETY: because sem_init(3) writes a sem_t to an aligned place in the memory, which nobody else uses
            // yet.
            check(unsafe { libc::sem_init(semaphore, 1, value) })?;
        }
        Ok(Rc::new(Lane { slot: Slot::new(memory, direction), empty, full }))
    }
}

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = &*self.outgoing;
        Slot::check(message)?;
        wait(*empty)?;
        slot.put(message);
        post(*full)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Lane { slot, empty, full } = &*self.incoming;
        wait(*full)?;
        slot.take(buffer)?;
        post(*empty)
    }
}

#[inline]
fn wait(semaphore: *mut sem_t) -> io::Result<()> {
    loop {
        // SAFETY: because by the invariant on the fields of `Lane`, from which the pointer is, it leads to a
        // semaphore.
        match check(unsafe { libc::sem_wait(semaphore) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done.map(drop),
        }
    }
}

#[inline]
fn post(semaphore: *mut sem_t) -> io::Result<()> {
    // SAFETY: because by the invariant on the fields of `Lane`, from which the pointer is, it leads to a semaphore.
    check(unsafe { libc::sem_post(semaphore) }).map(drop)
}
