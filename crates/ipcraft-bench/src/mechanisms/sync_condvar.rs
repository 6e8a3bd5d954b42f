//! One slot of shared memory each way, with a mutex and a condition variable for its state.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::sync::{Condvar, Mutex};

use super::locks::shared;
use super::slot;
use crate::baseline::condvar;
use crate::baseline::futex::{EMPTY, FULL};
use crate::baseline::slot::{MAX_MESSAGE, Slot};
use crate::link::{Direction, Directions, Endpoints};
use crate::mechanism::{Implementation, Mechanism};

/// A slot, a mutex and a condition variable each way.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "sync_condvar",
    summary: "a slot of shared memory, a mutex and a condition variable, each way",
    family: "memory",
    gives_up: "no poll(2)",
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Baseline, condvar::connect)],
    ..Mechanism::BLOCKING
};

ipcraft::shared_struct! {
    /// The state of a slot, on its own cache lines.
    struct State {
        state: Mutex<u32>,
        changed: Condvar,
        _padding: [std::sync::atomic::AtomicU64; 16],
    }
}

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = slot::memory(0)?;
    let states =
        Arc::new(shared(|states: &[State; 2]| states.iter().try_for_each(|lane| lane.state.init(EMPTY)))?);
    Directions::connect(|direction| {
        Ok(Lane { slot: slot::new(&memory, direction)?, states: states.clone(), direction })
    })
}

/// One direction.
struct Lane {
    slot: Slot,
    states: Arc<ipcraft::shm::Shared<[State; 2]>>,
    direction: usize,
}

impl Lane {
    /// Waits for one state, uses the slot, and changes to the other state.
    #[inline]
    fn turn(&self, from: u32, to: u32, work: impl FnOnce(&Slot) -> io::Result<()>) -> io::Result<()> {
        let State { state, changed, .. } = &self.states[self.direction];
        let guard = state.lock().or_else(|e| e.repair(|_| ()))?;
        let mut guard = changed.wait_while(guard, |state| *state != from).or_else(|e| e.repair(|_| ()))?;
        let done = work(&self.slot);
        *guard = to;
        drop(guard);
        changed.notify_one()?;
        done
    }
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.turn(EMPTY, FULL, |slot| {
            slot.put(message);
            Ok(())
        })
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.turn(FULL, EMPTY, |slot| slot.take(buffer))
    }
}
