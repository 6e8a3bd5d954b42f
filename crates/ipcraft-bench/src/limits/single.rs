//! Limits of a single process: entering the kernel, and copying.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::io;

use crate::link::{Endpoints, Link, Operation};
use crate::mechanism::{Implementation, Mechanism};
use crate::workload::Workload;

/// The cheapest system call, `getppid(2)`: the cost of entering and leaving the kernel.
pub(crate) static NULL_SYSCALL: Mechanism = Mechanism {
    id: "null_syscall",
    summary: "the cheapest system call",
    workloads: &[Workload::Call],
    sizes: || 0..=0,
    implementations: &[(Implementation::Limit, |_| Ok(Operation::of_both(null_syscall)))],
    ..Mechanism::LIMIT
};

fn null_syscall() -> io::Result<()> {
    // SAFETY: because getppid(2) takes no argument and cannot fail.
    unsafe { libc::syscall(libc::SYS_getppid) };
    Ok(())
}

/// Copying a message within one process: the bandwidth of memory and caches.
pub(crate) static MEMCPY: Mechanism = Mechanism {
    id: "memcpy",
    summary: "a copy within one process",
    workloads: &[Workload::Call],
    implementations: &[(Implementation::Limit, |_| Ok(Endpoints::new(Copier::default(), Copier::default())))],
    ..Mechanism::LIMIT
};

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

    fn recv(&mut self, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
