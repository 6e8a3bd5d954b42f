//! Two processes that block and wake each other, or yield to each other.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use nix::sched::sched_yield;

use crate::baseline::futex as baseline;
use crate::baseline::page::Page;
use crate::link::{Endpoints, Link};
use crate::mechanism::{Implementation, Mechanism, Waiting};
use crate::placement::Placement;
use crate::workload::Workload;

/// A futex each way: the least that two processes need to block and to wake each other.
pub(crate) static FUTEX: Mechanism = Mechanism {
    id: "futex",
    summary: "a shared futex each way",
    workloads: &[Workload::RoundTrip],
    sizes: || 0..=0,
    implementations: &[(Implementation::Limit, futexes)],
    ..Mechanism::LIMIT
};

/// The same with an idle-priority spinner on each core. The difference is the cost of waking a
/// sleeping core, which every blocking mechanism pays.
pub(crate) static AWAKE: Mechanism = Mechanism {
    id: "futex_awake",
    summary: "the same while an idle-priority spinner keeps every core awake",
    keep_cores_awake: true,
    workloads: &[Workload::RoundTrip],
    sizes: || 0..=0,
    implementations: &[(Implementation::Limit, futexes)],
    ..Mechanism::LIMIT
};

/// Two processes that yield one core to each other: the cost of two context switches.
pub(crate) static SCHED_YIELD: Mechanism = Mechanism {
    id: "sched_yield",
    summary: "two processes yield one core to each other",
    waiting: Waiting::Spin,
    workloads: &[Workload::RoundTrip],
    placements: &[Placement::SameCore],
    sizes: || 0..=0,
    implementations: &[(Implementation::Limit, yielding)],
    ..Mechanism::LIMIT
};

const EMPTY: u64 = 0;
const FULL: u64 = 1;

fn futexes(_scratch: &Path) -> io::Result<Endpoints> {
    let page = Page::new()?;
    let endpoint = |outgoing, incoming| Blocking { page: page.clone(), outgoing, incoming };
    Ok(Endpoints::new(endpoint(0, 1), endpoint(1, 0)))
}

struct Blocking {
    page: Rc<Page>,
    outgoing: usize,
    incoming: usize,
}

impl Link for Blocking {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        let word = self.page.word(self.outgoing, 0);
        word.store(FULL, Release);
        futex(word, libc::FUTEX_WAKE, 1);
        Ok(())
    }

    /// Polls the word again if a signal or a changed word ends the wait early.
    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        let word = self.page.word(self.incoming, 0);
        while word.compare_exchange(FULL, EMPTY, Acquire, Relaxed).is_err() {
            futex(word, libc::FUTEX_WAIT, EMPTY as u32);
        }
        Ok(())
    }
}

/// The kernel reads 32 bits: the low half of the word, which comes first on little-endian machines.
fn futex(word: &AtomicU64, operation: libc::c_int, value: u32) {
    baseline::futex(word.as_ptr().cast_const().cast(), operation, value);
}

const CLIENT: u64 = 0;
const SERVER: u64 = 1;

fn yielding(_scratch: &Path) -> io::Result<Endpoints> {
    let page = Page::new()?;
    let endpoint = |own, other| Yielding { page: page.clone(), own, other };
    Ok(Endpoints::new(endpoint(CLIENT, SERVER), endpoint(SERVER, CLIENT)))
}

struct Yielding {
    page: Rc<Page>,
    own: u64,
    other: u64,
}

impl Link for Yielding {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        self.page.word(0, 0).store(self.other, Release);
        Ok(())
    }

    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        while self.page.word(0, 0).load(Acquire) != self.own {
            sched_yield()?;
        }
        Ok(())
    }
}
