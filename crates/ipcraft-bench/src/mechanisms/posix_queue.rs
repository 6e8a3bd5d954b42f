//! Two POSIX message queues, one each way, unlinked as soon as they are open.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use ipcraft::name;
use ipcraft::queue::posix::{Options, Queue};

use crate::baseline::posix_queue::{self, MESSAGE_SIZE};
use crate::link::{Endpoints, Link, exact_length};
use crate::mechanism::{Implementation, Mechanism};

/// Two POSIX message queues.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "posix_queue",
    summary: "two POSIX message queues, one each way",
    family: "queue",
    pollable: true,
    gives_up: "a dead peer is not noticed; small messages",
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
    /// The kernel requires a buffer for the largest message.
    buffer: Vec<u8>,
}

impl Queues {
    fn new(from: Queue, to: Queue) -> Queues {
        let buffer = vec![0; from.message_size()];
        Queues { from, to, buffer }
    }
}

impl Link for Queues {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.to.send(message, 0)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (length, _priority) = self.from.recv(&mut self.buffer)?;
        exact_length(length, buffer.len())?;
        buffer.copy_from_slice(&self.buffer[..length]);
        Ok(())
    }
}

fn ipcraft(_: &Path) -> io::Result<Endpoints> {
    let (there, back) = (open_twice()?, open_twice()?);
    Ok(Endpoints::new(Queues::new(back.0, there.0), Queues::new(there.1, back.1)))
}

/// Opens a new queue once for each endpoint, and unlinks it.
fn open_twice() -> io::Result<(Queue, Queue)> {
    let name = unique();
    let options = Options::new().message_size(MESSAGE_SIZE);
    let made = options.create_new(&name)?;
    let opened = Queue::open(&name);
    Queue::unlink(&name)?;
    Ok((made, opened?))
}

fn baseline(_: &Path) -> io::Result<Endpoints> {
    let (there, back) = (posix_queue::open_twice(&unique())?, posix_queue::open_twice(&unique())?);
    Ok(Endpoints::new(posix_queue::Queues::new(back.0, there.0), posix_queue::Queues::new(there.1, back.1)))
}

fn unique() -> String {
    format!("/{}", name::unique("ipcraft-bench"))
}
