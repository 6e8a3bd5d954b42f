//! Channels of messages of one size: the work queue, the broadcast with one subscriber, and the newest value. The twin is a
//! ring of one sender and one receiver, so the ratio says what it costs to be ready for more.

use std::io;

use ipcraft::channel::{broadcast, latest, mpmc};

use crate::link::{Ends, Link, exact_length};
use crate::raw::ring;
use crate::registry::{Implementation, Mechanism, Waiting};
use crate::workload::Workload;

/// The bytes of a message.
pub(super) const SIZE: usize = 64;

pub(super) type Message = [u64; SIZE / 8];

const TYPED: Mechanism =
    Mechanism { waiting: Waiting::Adaptive, sizes: || SIZE..=SIZE, ..Mechanism::BLOCKING };

/// The registration of the work queue.
pub(super) static MPMC: Mechanism = Mechanism {
    id: "channel_mpmc",
    summary: "a work queue each way, for many senders and many receivers",
    implementations: &[(Implementation::Ipcraft, |_| mpmc()), (Implementation::Raw, |_| twin())],
    ..TYPED
};

/// The registration of the broadcast.
pub(super) static BROADCAST: Mechanism = Mechanism {
    id: "channel_broadcast",
    summary: "a broadcast each way, that slow subscribers hold back",
    implementations: &[(Implementation::Ipcraft, |_| broadcast()), (Implementation::Raw, |_| twin())],
    ..TYPED
};

/// The registration of the newest value, which has to be taken before the next one comes if all are to be seen.
pub(super) static LATEST: Mechanism = Mechanism {
    id: "channel_latest",
    summary: "a newest value each way",
    workloads: &[Workload::RoundTrip],
    implementations: &[(Implementation::Ipcraft, |_| latest()), (Implementation::Raw, |_| twin())],
    ..TYPED
};

/// Messages that there is room for.
const CAPACITY: usize = 1024;

/// How often the twin looks before it sleeps: for about as long as the library does.
pub(super) const LOOKS: u32 = 1000;

fn twin() -> io::Result<Ends> {
    ring::connect(LOOKS)
}

fn mpmc() -> io::Result<Ends> {
    let (there, back) = (mpmc::channel::<Message>(CAPACITY)?, mpmc::channel::<Message>(CAPACITY)?);
    Ok(ends(there, back))
}

fn broadcast() -> io::Result<Ends> {
    let (there, back) = (broadcast::channel::<Message>(CAPACITY)?, broadcast::channel::<Message>(CAPACITY)?);
    Ok(ends(there, back))
}

fn latest() -> io::Result<Ends> {
    let (there, back) = (latest::channel::<Message>()?, latest::channel::<Message>()?);
    Ok(ends(there, back))
}

fn ends<O: Outgoing + 'static, I: Incoming + 'static>(there: (O, I), back: (O, I)) -> Ends {
    let client = End { outgoing: there.0, incoming: back.1 };
    let server = End { outgoing: back.0, incoming: there.1 };
    Ends::new(client, server)
}

/// What sends a message.
trait Outgoing {
    fn put(&mut self, message: Message) -> io::Result<()>;
}

/// What receives one.
trait Incoming {
    fn take(&mut self) -> io::Result<Message>;
}

impl Outgoing for mpmc::Sender<Message> {
    #[inline]
    fn put(&mut self, message: Message) -> io::Result<()> {
        Ok(self.send(message).map_err(ipcraft::Error::from)?)
    }
}

impl Incoming for mpmc::Receiver<Message> {
    #[inline]
    fn take(&mut self) -> io::Result<Message> {
        Ok(self.recv()?)
    }
}

impl Outgoing for broadcast::Publisher<Message> {
    #[inline]
    fn put(&mut self, message: Message) -> io::Result<()> {
        Ok(self.send(message).map_err(ipcraft::Error::from)?)
    }
}

impl Incoming for broadcast::Subscriber<Message> {
    #[inline]
    fn take(&mut self) -> io::Result<Message> {
        Ok(self.recv().map_err(ipcraft::Error::from)?)
    }
}

impl Outgoing for latest::Writer<Message> {
    #[inline]
    fn put(&mut self, message: Message) -> io::Result<()> {
        self.store(message);
        Ok(())
    }
}

impl Incoming for latest::Reader<Message> {
    #[inline]
    fn take(&mut self) -> io::Result<Message> {
        Ok(self.changed()?.value)
    }
}

struct End<O, I> {
    outgoing: O,
    incoming: I,
}

impl<O: Outgoing, I: Incoming> Link for End<O, I> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.outgoing.put(from_bytes(message)?)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        to_bytes(&self.incoming.take()?, buffer)
    }
}

pub(super) fn from_bytes(bytes: &[u8]) -> io::Result<Message> {
    exact_length(bytes.len(), SIZE)?;
    let mut message = Message::default();
    for (word, bytes) in message.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_ne_bytes(*bytes);
    }
    Ok(message)
}

pub(super) fn to_bytes(message: &Message, buffer: &mut [u8]) -> io::Result<()> {
    exact_length(buffer.len(), SIZE)?;
    for (word, bytes) in message.iter().zip(buffer.as_chunks_mut().0) {
        *bytes = word.to_ne_bytes();
    }
    Ok(())
}
