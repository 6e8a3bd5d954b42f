//! One cache line handed to and fro by compare-and-swap: the least that two cores need to take turns.
//!
//! The waiter polls with the exchange itself, so it always holds the line exclusively and no transfer is spent on going
//! from shared to modified. Nothing travels but the turn.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use super::page::Page;
use crate::link::{Ends, Link};
use crate::placement::Placement;
use crate::registry::{Implementation, Mechanism, Waiting};
use crate::workload::Workload;

/// The registration.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "cacheline_cas",
    summary: "one cache line handed over by compare-and-swap",
    waiting: Waiting::Spin,
    workloads: &[Workload::RoundTrip],
    placements: &[Placement::TwoCores],
    sizes: || 0..=0,
    implementations: &[(Implementation::Floor, connect)],
    ..Mechanism::BLOCKING
};

fn connect(_scratch: &Path) -> io::Result<Ends> {
    let page = Page::new()?;
    Ok(Ends::new(Asker(page.clone()), Answerer(page)))
}

fn exchange(page: &Page, from: u64, to: u64) {
    let turn = page.word(0, 0);
    while turn.compare_exchange_weak(from, to, AcqRel, Relaxed).is_err() {}
}

/// Takes the turn when it is 0; it gets it back by asking for the next one.
struct Asker(Rc<Page>);

impl Link for Asker {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        exchange(&self.0, 0, 1);
        Ok(())
    }

    fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the turn back as it takes it.
struct Answerer(Rc<Page>);

impl Link for Answerer {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        exchange(&self.0, 1, 0);
        Ok(())
    }
}
