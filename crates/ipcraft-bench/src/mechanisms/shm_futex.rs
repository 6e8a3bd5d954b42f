//! One slot of shared memory each way and a futex, whose value is whether the slot is full.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Release};

use ipcraft::futex;
use ipcraft::shm::Mapping;

use super::slot;
use crate::baseline::futex::{self as baseline, EMPTY, FULL};
use crate::baseline::slot::{MAX_MESSAGE, Slot};
use crate::link::{Direction, Directions, Endpoints};
use crate::mechanism::{Implementation, Mechanism};

/// A slot and a futex each way.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "shm_futex",
    summary: "a slot of shared memory and a futex, each way",
    family: "memory",
    gives_up: "a dead peer is not noticed; no poll(2)",
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Baseline, baseline::connect)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = slot::memory(baseline::WORDS_SIZE)?;
    Directions::connect(|direction| {
        let slot = slot::new(&memory, direction)?;
        Ok(Lane { slot, memory: memory.clone(), word: baseline::word(direction) })
    })
}

/// One direction.
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

/// Wakes even if the peer does not wait: knowing that is the task of a lock or a semaphore.
#[inline]
fn set(word: &AtomicU32, state: u32) -> io::Result<()> {
    word.store(state, Release);
    futex::wake(word, 1)?;
    Ok(())
}

impl Direction for Lane {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        let word = self.word()?;
        wait_for(word, EMPTY, FULL)?;
        self.slot.put(message);
        set(word, FULL)
    }

    #[inline]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let word = self.word()?;
        wait_for(word, FULL, EMPTY)?;
        self.slot.take(buffer)?;
        set(word, EMPTY)
    }
}
