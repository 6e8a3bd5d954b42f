//! A cache line that two spinning processes hand over to each other.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::baseline::page::Page;
use crate::link::{Endpoints, Link, exact_length};
use crate::mechanism::{Implementation, Mechanism, Waiting};
use crate::placement::Placement;
use crate::workload::Workload;

/// One cache line, handed over by compare-and-swap: the least that two cores need to take turns.
///
/// The waiter polls with the exchange itself, so it always holds the line exclusively and no
/// transfer is needed to get from shared to modified. Only the turn is transferred.
pub(crate) static COMPARE_AND_SWAP: Mechanism = Mechanism {
    id: "cacheline_cas",
    summary: "one cache line handed over by compare-and-swap",
    sizes: || 0..=0,
    implementations: &[(Implementation::Limit, compare_and_swap)],
    ..SPINNING
};

/// Eight bytes and their sequence number in one cache line each way, by plain stores and loads.
pub(crate) static STORE: Mechanism = Mechanism {
    id: "cacheline_store",
    summary: "8 bytes and a sequence number in one cache line each way",
    sizes: || SIZE..=SIZE,
    implementations: &[(Implementation::Limit, store)],
    ..SPINNING
};

const SPINNING: Mechanism = Mechanism {
    waiting: Waiting::Spin,
    workloads: &[Workload::RoundTrip],
    placements: &[Placement::TwoCores],
    ..Mechanism::LIMIT
};

const SIZE: usize = size_of::<u64>();

fn compare_and_swap(_scratch: &Path) -> io::Result<Endpoints> {
    let page = Page::new()?;
    Ok(Endpoints::new(Client(page.clone()), Server(page)))
}

fn exchange(page: &Page, from: u64, to: u64) {
    let turn = page.word(0, 0);
    while turn.compare_exchange_weak(from, to, AcqRel, Relaxed).is_err() {}
}

/// Takes the turn when it is 0. It gets the turn back by its next `send`.
struct Client(Rc<Page>);

impl Link for Client {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        exchange(&self.0, 0, 1);
        Ok(())
    }

    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the turn as soon as it gets it.
struct Server(Rc<Page>);

impl Link for Server {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        exchange(&self.0, 1, 0);
        Ok(())
    }
}

fn store(_scratch: &Path) -> io::Result<Endpoints> {
    let page = Page::new()?;
    let endpoint =
        |outgoing, incoming| Endpoint { page: page.clone(), outgoing, incoming, sent: 0, received: 0 };
    Ok(Endpoints::new(endpoint(0, 1), endpoint(1, 0)))
}

struct Endpoint {
    page: Rc<Page>,
    outgoing: usize,
    incoming: usize,
    sent: u64,
    received: u64,
}

impl Link for Endpoint {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Some(bytes) = message.first_chunk::<SIZE>() else {
            return exact_length(message.len(), SIZE);
        };
        self.sent += 1;
        self.page.word(self.outgoing, 1).store(u64::from_ne_bytes(*bytes), Relaxed);
        self.page.word(self.outgoing, 0).store(self.sent, Release);
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.received += 1;
        while self.page.word(self.incoming, 0).load(Acquire) != self.received {}
        let bytes = self.page.word(self.incoming, 1).load(Relaxed).to_ne_bytes();
        exact_length(SIZE, buffer.len())?;
        buffer.copy_from_slice(&bytes);
        Ok(())
    }
}
