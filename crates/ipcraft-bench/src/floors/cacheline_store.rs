//! Eight bytes and their sequence number in one cache line, one line per direction, by plain stores and loads.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::page::Page;
use crate::link::{Ends, Link, exact_length};
use crate::placement::Placement;
use crate::registry::{Implementation, Mechanism, Waiting};
use crate::workload::Workload;

/// The registration.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "cacheline_store",
    summary: "8 bytes and a sequence number in one cache line each way",
    waiting: Waiting::Spin,
    workloads: &[Workload::RoundTrip],
    placements: &[Placement::TwoCores],
    sizes: || SIZE..=SIZE,
    implementations: &[(Implementation::Floor, connect)],
    ..Mechanism::BLOCKING
};

const SIZE: usize = size_of::<u64>();

fn connect(_scratch: &Path) -> io::Result<Ends> {
    let page = Page::new()?;
    let end = |outgoing, incoming| End { page: page.clone(), outgoing, incoming, sent: 0, received: 0 };
    Ok(Ends::new(end(0, 1), end(1, 0)))
}

struct End {
    page: Rc<Page>,
    outgoing: usize,
    incoming: usize,
    sent: u64,
    received: u64,
}

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let Some(bytes) = message.first_chunk::<SIZE>() else {
            return exact_length(message.len(), SIZE);
        };
        self.sent += 1;
        self.page.word(self.outgoing, 1).store(u64::from_ne_bytes(*bytes), Relaxed);
        self.page.word(self.outgoing, 0).store(self.sent, Release);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.received += 1;
        while self.page.word(self.incoming, 0).load(Acquire) != self.received {}
        let bytes = self.page.word(self.incoming, 1).load(Relaxed).to_ne_bytes();
        exact_length(SIZE, buffer.len())?;
        buffer.copy_from_slice(&bytes);
        Ok(())
    }
}
