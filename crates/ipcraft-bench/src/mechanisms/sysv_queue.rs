//! Two private System V message queues, one each way.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::sysv::Key;

use crate::baseline::sysv_queue::{self, MESSAGE_SIZE};
use crate::link::{Endpoints, Link, exact_length};
use crate::mechanism::{Implementation, Mechanism};

/// Two System V message queues.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "sysv_queue",
    summary: "two System V message queues, one each way",
    family: "queue",
    gives_up: "a dead peer is not noticed; no poll(2)",
    sizes,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Baseline, baseline)],
    ..Mechanism::BLOCKING
};

fn sizes() -> RangeInclusive<usize> {
    1..=MESSAGE_SIZE
}

/// The queues that one endpoint receives from and sends to.
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

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (length, _kind) = self.from.recv(Selector::First, buffer)?;
        exact_length(length, buffer.len())
    }
}

fn ipcraft(_: &Path) -> io::Result<Endpoints> {
    let make = || Options::new().remove_on_drop(true).create_new(Key::PRIVATE);
    let (there, back) = (make()?, make()?);
    let ends = Endpoints::new(Queues::new(&back, &there)?, Queues::new(&there, &back)?);
    Ok(ends.with_resources((there, back)))
}

fn baseline(_: &Path) -> io::Result<Endpoints> {
    let (there, back) = (sysv_queue::OwnedQueue::new()?, sysv_queue::OwnedQueue::new()?);
    let client = sysv_queue::Queues::new(&back, &there);
    let server = sysv_queue::Queues::new(&there, &back);
    Ok(Endpoints::new(client, server).with_resources((there, back)))
}
