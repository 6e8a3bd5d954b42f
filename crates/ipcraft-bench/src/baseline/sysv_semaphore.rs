//! A slot of shared memory each way, guarded by two System V semaphores, on libc.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;

use libc::{c_int, c_short, sembuf};

use super::check;
use super::slot::{Memory, Slot};
use crate::link::{Direction, Directions, Endpoints};

/// The initial values of the set: in each direction one empty slot and no full one.
pub(crate) const INITIAL_VALUES: [u16; 4] = [1, 0, 1, 0];

/// Returns the semaphores that count the empty and the full slots of a direction.
pub(crate) fn indices(direction: usize) -> [u16; 2] {
    [2 * direction as u16, 2 * direction as u16 + 1]
}

/// Connects two endpoints.
pub(crate) fn connect(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = Memory::new(0)?;
    let set = Set::new(&INITIAL_VALUES)?;
    let endpoints = Directions::connect(|direction| {
        let [empty, full] = indices(direction);
        Ok(Lane { id: set.id, slot: Slot::new(&memory, direction), empty, full })
    })?;
    Ok(endpoints.with_resources(set))
}

/// A private set, removed on drop. The forked peers end by `_exit(2)`, which runs no drop.
pub(super) struct Set {
    id: c_int,
}

impl Set {
    pub(super) fn new(values: &[u16]) -> io::Result<Set> {
        let count = values.len() as c_int;
        // SAFETY: because semget(2) takes three integers.
        let id = check(unsafe { libc::semget(libc::IPC_PRIVATE, count, libc::IPC_CREAT | 0o600) })?;
        let set = Set { id };
        // SAFETY: because SETALL reads one value for each semaphore of the set, which has `count`
        // of them.
        check(unsafe { libc::semctl(id, 0, libc::SETALL, values.as_ptr()) })?;
        Ok(set)
    }

    pub(super) fn id(&self) -> c_int {
        self.id
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        // SAFETY: because IPC_RMID takes no fourth argument.
        unsafe { libc::semctl(self.id, 0, libc::IPC_RMID) };
    }
}

/// One direction.
struct Lane {
    id: c_int,
    slot: Slot,
    empty: u16,
    full: u16,
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Lane { id, slot, empty, full } = self;
        Slot::check(message)?;
        change(*id, *empty, -1, 0)?;
        slot.put(message);
        change(*id, *full, 1, 0)
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Lane { id, slot, empty, full } = self;
        change(*id, *full, -1, 0)?;
        slot.take(buffer)?;
        change(*id, *empty, 1, 0)
    }
}

#[inline]
pub(super) fn change(id: c_int, index: u16, change: c_short, flags: c_int) -> io::Result<()> {
    let mut operation = sembuf { sem_num: index, sem_op: change, sem_flg: flags as c_short };
    loop {
        // SAFETY: because semop(2) reads one operation, from a variable of that type.
        match check(unsafe { libc::semop(id, &raw mut operation, 1) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done.map(drop),
        }
    }
}
