//! Copying a message within one process: the bandwidth of memory and caches.

use std::hint::black_box;
use std::io;
use std::path::Path;

use crate::link::{Ends, Link};
use crate::registry::{Implementation, Mechanism};
use crate::workload::Workload;

/// The registration.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "memcpy",
    summary: "a copy within one process",
    workloads: &[Workload::Call],
    implementations: &[(Implementation::Floor, connect)],
    ..Mechanism::BLOCKING
};

fn connect(_scratch: &Path) -> io::Result<Ends> {
    Ok(Ends::new(Copier::default(), Copier::default()))
}

#[derive(Default)]
struct Copier {
    target: Vec<u8>,
}

impl Link for Copier {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.target.resize(message.len(), 0);
        black_box(&mut self.target[..]).copy_from_slice(black_box(message));
        black_box(&self.target);
        Ok(())
    }

    fn receive(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
