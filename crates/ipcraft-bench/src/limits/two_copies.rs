//! A copy into shared memory by one process, and a copy out of it by another.

use std::io;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::baseline::page::Page;
use crate::baseline::slot::{MAX_MESSAGE, Memory, Slot};
use crate::link::{Endpoints, Link};
use crate::mechanism::{Implementation, Mechanism, Waiting};
use crate::placement::Placement;
use crate::workload::Workload;

/// Two buffers, filled and emptied in turns. While one process copies into one of them, the other
/// process copies out of the other.
///
/// A channel that copies its messages does the same work, and also has to keep them in order.
pub(crate) static MEMCPY_TWO_CORES: Mechanism = Mechanism {
    id: "memcpy_two_cores",
    summary: "a copy in and a copy out by two processes, two buffers in turns",
    waiting: Waiting::Spin,
    workloads: &[Workload::Stream],
    placements: &[Placement::TwoCores],
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[(Implementation::Limit, |_| connect())],
    ..Mechanism::LIMIT
};

fn connect() -> io::Result<Endpoints> {
    let (memory, page) = (Memory::new(0)?, Page::new()?);
    let endpoint = || Endpoint {
        buffers: [Slot::new(&memory, 0), Slot::new(&memory, 1)],
        page: page.clone(),
        messages: 0,
    };
    Ok(Endpoints::new(endpoint(), endpoint()))
}

struct Endpoint {
    buffers: [Slot; 2],
    page: Rc<Page>,
    /// The messages that this endpoint has sent or received.
    messages: u64,
}

const EMPTY: u64 = 0;
const FULL: u64 = 1;

impl Endpoint {
    /// Returns the buffer of the next message, and the word that shows whether it is full.
    fn next(&mut self) -> (&Slot, &AtomicU64) {
        let turn = self.messages as usize % 2;
        self.messages += 1;
        (&self.buffers[turn], self.page.word(turn, 0))
    }
}

impl Link for Endpoint {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        let (buffer, state) = self.next();
        while state.load(Acquire) != EMPTY {
            std::hint::spin_loop();
        }
        buffer.put(message);
        state.store(FULL, Release);
        Ok(())
    }

    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        let (buffer, state) = self.next();
        while state.load(Acquire) != FULL {
            std::hint::spin_loop();
        }
        buffer.take(into)?;
        state.store(EMPTY, Release);
        Ok(())
    }
}
