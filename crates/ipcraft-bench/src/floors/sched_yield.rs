//! Two processes that pass the core to each other by `sched_yield(2)`: the cost of two switches.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Release};

use nix::sched::sched_yield;

use super::page::Page;
use crate::link::{Ends, Link};
use crate::placement::Placement;
use crate::registry::{Implementation, Mechanism, Waiting};
use crate::workload::Workload;

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "sched_yield",
    summary: "two processes yield one core to each other",
    waiting: Waiting::Spin,
    workloads: &[Workload::RoundTrip],
    placements: &[Placement::SameCore],
    sizes: || 0..=0,
    implementations: &[(Implementation::Floor, connect)],
    ..Mechanism::BLOCKING
};

const CLIENT: u64 = 0;
const SERVER: u64 = 1;

fn connect(_scratch: &Path) -> io::Result<Ends> {
    let page = Page::new()?;
    let end = |me, other| End { page: page.clone(), me, other };
    Ok(Ends::new(end(CLIENT, SERVER), end(SERVER, CLIENT)))
}

struct End {
    page: Rc<Page>,
    me: u64,
    other: u64,
}

impl Link for End {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        self.page.word(0, 0).store(self.other, Release);
        Ok(())
    }

    fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        while self.page.word(0, 0).load(Acquire) != self.me {
            sched_yield()?;
        }
        Ok(())
    }
}
