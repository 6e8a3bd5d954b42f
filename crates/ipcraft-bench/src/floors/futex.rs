//! A futex each way: the least that two processes need to put each other to sleep and wake each other.
//!
//! The same once more with an idle-priority spinner on each core: what it saves is the cost of waking a sleeping core,
//! which every blocking mechanism pays.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::page::Page;
use crate::link::{Ends, Link};
use crate::raw::futex as raw;
use crate::registry::{Implementation, Mechanism};
use crate::workload::Workload;

/// The registration.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "futex",
    summary: "a shared futex each way",
    workloads: &[Workload::RoundTrip],
    sizes: || 0..=0,
    implementations: &[(Implementation::Floor, connect)],
    ..Mechanism::BLOCKING
};

/// The control.
pub(super) static AWAKE: Mechanism = Mechanism {
    id: "futex_awake",
    summary: "the same while an idle-priority spinner keeps every core awake",
    awake: true,
    workloads: &[Workload::RoundTrip],
    sizes: || 0..=0,
    implementations: &[(Implementation::Floor, connect)],
    ..Mechanism::BLOCKING
};

const EMPTY: u64 = 0;
const FULL: u64 = 1;

fn connect(_scratch: &Path) -> io::Result<Ends> {
    let page = Page::new()?;
    let end = |outgoing, incoming| End { page: page.clone(), outgoing, incoming };
    Ok(Ends::new(end(0, 1), end(1, 0)))
}

struct End {
    page: Rc<Page>,
    outgoing: usize,
    incoming: usize,
}

impl Link for End {
    fn send(&mut self, _message: &[u8]) -> io::Result<()> {
        let word = self.page.word(self.outgoing, 0);
        word.store(FULL, Release);
        futex(word, libc::FUTEX_WAKE, 1);
        Ok(())
    }

    /// A wait that ends early, by a signal or because the word changed first, looks at the word again.
    fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        let word = self.page.word(self.incoming, 0);
        while word.compare_exchange(FULL, EMPTY, Acquire, Relaxed).is_err() {
            futex(word, libc::FUTEX_WAIT, EMPTY as u32);
        }
        Ok(())
    }
}

/// The kernel looks at 32 bits: the low half of the word, which on these little-endian machines comes first.
fn futex(word: &AtomicU64, operation: libc::c_int, value: u32) {
    raw::futex(word.as_ptr().cast_const().cast(), operation, value);
}
