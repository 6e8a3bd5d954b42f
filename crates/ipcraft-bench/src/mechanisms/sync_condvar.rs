//! One slot of shared memory each way, and a mutex and a condition variable that tell whether it is full.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::sync::{Condvar, Mutex};

use super::lock::shared;
use super::slot::{self, Slot};
use crate::link::{Ends, Link};
use crate::raw::condvar;
use crate::raw::futex::{EMPTY, FULL};
use crate::raw::slot::LARGEST;
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "sync_condvar",
    summary: "a slot of shared memory, a mutex and a condition variable, each way",
    sizes: || 1..=LARGEST,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, condvar::connect)],
    ..Mechanism::BLOCKING
};

ipcraft::shared_struct! {
    /// What tells whether a slot is full, on cache lines of its own.
    struct State {
        state: Mutex<u32>,
        changed: Condvar,
        _apart: [std::sync::atomic::AtomicU64; 16],
    }
}

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let memory = slot::memory(0)?;
    let states =
        Arc::new(shared(|states: &[State; 2]| states.iter().try_for_each(|lane| lane.state.init(EMPTY)))?);
    let lane = |direction| -> io::Result<Lane> {
        Ok(Lane { slot: Slot::new(&memory, direction)?, states: states.clone(), direction })
    };
    let end = |outgoing, incoming| -> io::Result<End> {
        Ok(End { outgoing: lane(outgoing)?, incoming: lane(incoming)? })
    };
    Ok(Ends::new(end(0, 1)?, end(1, 0)?))
}

struct End {
    outgoing: Lane,
    incoming: Lane,
}

/// A direction.
struct Lane {
    slot: Slot,
    states: Arc<ipcraft::shm::Shared<[State; 2]>>,
    direction: usize,
}

impl Lane {
    /// Waits for one state, uses the slot meanwhile, and says that it is in the other one.
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

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.outgoing.turn(EMPTY, FULL, |slot| {
            slot.put(message);
            Ok(())
        })
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.incoming.turn(FULL, EMPTY, |slot| slot.take(buffer))
    }
}
