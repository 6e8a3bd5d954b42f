//! One slot of shared memory each way and a word that tells whether it is full: processes sleep on the word.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

use ipcraft::futex;
use ipcraft::shm::Mapping;

use super::slot::{self, Slot};
use crate::link::{Ends, Link};
use crate::raw::futex::{self as raw, EMPTY, FULL};
use crate::raw::slot::LARGEST;
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "shm_futex",
    summary: "a slot of shared memory and a futex, each way",
    sizes: || 1..=LARGEST,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw::connect)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let memory = slot::memory(raw::ROOM)?;
    let lane = |direction| -> io::Result<Lane> {
        let slot = Slot::new(&memory, direction)?;
        Ok(Lane { slot, memory: memory.clone(), word: raw::word(direction) })
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
    memory: Arc<Mapping>,
    word: usize,
}

impl Lane {
    #[inline]
    fn word(&self) -> io::Result<&AtomicU32> {
        Ok(self.memory.atomic_u32(self.word)?)
    }
}

#[inline]
fn wait_for(word: &AtomicU32, state: u32, opposite: u32) -> io::Result<()> {
    while word.load(Acquire) != state {
        futex::wait(word, opposite)?;
    }
    Ok(())
}

/// Wakes whether or not anybody sleeps: to know that would be a lock's or a semaphore's business.
#[inline]
fn set(word: &AtomicU32, state: u32) -> io::Result<()> {
    word.store(state, Release);
    futex::wake(word, 1)?;
    Ok(())
}

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        let word = self.outgoing.word()?;
        wait_for(word, EMPTY, FULL)?;
        self.outgoing.slot.put(message);
        set(word, FULL)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let word = self.incoming.word()?;
        wait_for(word, FULL, EMPTY)?;
        self.incoming.slot.take(buffer)?;
        set(word, EMPTY)
    }
}
