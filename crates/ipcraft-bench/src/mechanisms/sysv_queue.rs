//! Two private System V message queues, one each way.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::sysv::Key;

use crate::link::{Ends, Link, exact_length};
use crate::raw::sysv_queue::{self, MESSAGE_SIZE};
use crate::registry::{Implementation, Mechanism};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "sysv_queue",
    summary: "two System V message queues, one each way",
    sizes,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, raw)],
    ..Mechanism::BLOCKING
};

fn sizes() -> RangeInclusive<usize> {
    1..=MESSAGE_SIZE
}

/// The queues that one end receives from and sends to.
struct Queues {
    from: Queue,
    to: Queue,
}

impl Queues {
    fn new(from: &Queue, to: &Queue) -> io::Result<Queues> {
        Ok(Queues { from: Queue::from_id(from.id())?, to: Queue::from_id(to.id())? })
    }
}

impl Link for Queues {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.to.send(1, message)?)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (length, _kind) = self.from.recv(Selector::First, buffer)?;
        exact_length(length, buffer.len())
    }
}

fn ipcraft(_: &Path) -> io::Result<Ends> {
    let make = || Options::new().remove_on_drop(true).create_new(Key::PRIVATE);
    let (there, back) = (make()?, make()?);
    let ends = Ends::new(Queues::new(&back, &there)?, Queues::new(&there, &back)?);
    Ok(ends.keeping((there, back)))
}

fn raw(_: &Path) -> io::Result<Ends> {
    let (there, back) = (sysv_queue::Owned::new()?, sysv_queue::Owned::new()?);
    let client = sysv_queue::Queues::new(&back, &there);
    let server = sysv_queue::Queues::new(&there, &back);
    Ok(Ends::new(client, server).keeping((there, back)))
}
