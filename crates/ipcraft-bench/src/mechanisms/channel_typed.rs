//! Channels of messages of one size: work queue, broadcast with one subscriber, and newest value.
//!
//! The baseline is a naive ring for one sender and one receiver.

use std::io;

use ipcraft::channel::{broadcast, latest, mpmc};

use crate::baseline::ring::{self, DEFAULT_SPINS};
use crate::link::{Endpoints, Link, exact_length};
use crate::mechanism::{Implementation, Mechanism, Promise, Waiting};
use crate::workload::Workload;

/// The bytes of a message.
pub(super) const MESSAGE_SIZE: usize = 64;

pub(super) type Message = [u64; MESSAGE_SIZE / 8];

const TYPED: Mechanism = Mechanism {
    waiting: Waiting::Adaptive,
    sizes: || MESSAGE_SIZE..=MESSAGE_SIZE,
    equal_baseline: false,
    ..Mechanism::BLOCKING
};

/// The work queue.
pub(crate) static MPMC: Mechanism = Mechanism {
    id: "channel_mpmc",
    summary: "a work queue each way, for many senders and receivers",
    family: "channel",
    gives_up: "one message type; poll(2) needs inotify",
    implementations: &[(Implementation::Ipcraft, |_| mpmc()), (Implementation::Baseline, |_| naive_ring())],
    ..TYPED
};

/// The broadcast.
pub(crate) static BROADCAST: Mechanism = Mechanism {
    id: "channel_broadcast",
    summary: "a broadcast each way; a full channel blocks the publisher",
    family: "channel",
    gives_up: "one message type; poll(2) needs inotify",
    implementations: &[
        (Implementation::Ipcraft, |_| broadcast()),
        (Implementation::Baseline, |_| naive_ring()),
    ],
    ..TYPED
};

/// The newest value. Only round trips, since a new value replaces one that is not yet received.
pub(crate) static LATEST: Mechanism = Mechanism {
    id: "channel_latest",
    summary: "a newest value each way",
    family: "channel",
    gives_up: "a value may be replaced unseen; poll(2) needs inotify",
    promise: Promise::NewestValue,
    workloads: &[Workload::RoundTrip],
    implementations: &[(Implementation::Ipcraft, |_| latest()), (Implementation::Baseline, |_| naive_ring())],
    ..TYPED
};

/// The messages that a channel holds.
const CAPACITY: usize = 1024;

fn naive_ring() -> io::Result<Endpoints> {
    ring::connect(DEFAULT_SPINS)
}

fn mpmc() -> io::Result<Endpoints> {
    let (there, back) = (mpmc::channel::<Message>(CAPACITY)?, mpmc::channel::<Message>(CAPACITY)?);
    Ok(endpoints(there, back))
}

fn broadcast() -> io::Result<Endpoints> {
    let (there, back) = (broadcast::channel::<Message>(CAPACITY)?, broadcast::channel::<Message>(CAPACITY)?);
    Ok(endpoints(there, back))
}

fn latest() -> io::Result<Endpoints> {
    let (there, back) = (latest::channel::<Message>()?, latest::channel::<Message>()?);
    Ok(endpoints(there, back))
}

fn endpoints<O: Outgoing + 'static, I: Incoming + 'static>(there: (O, I), back: (O, I)) -> Endpoints {
    let client = Endpoint { outgoing: there.0, incoming: back.1 };
    let server = Endpoint { outgoing: back.0, incoming: there.1 };
    Endpoints::new(client, server)
}

/// An endpoint that sends.
trait Outgoing {
    fn put(&mut self, message: Message) -> io::Result<()>;
}

/// An endpoint that receives.
trait Incoming {
    fn take(&mut self) -> io::Result<Message>;
}

impl Outgoing for mpmc::Sender<Message> {
    #[inline]
    fn put(&mut self, message: Message) -> io::Result<()> {
        Ok(self.send(message)?)
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
        Ok(self.send(message)?)
    }
}

impl Incoming for broadcast::Subscriber<Message> {
    #[inline]
    fn take(&mut self) -> io::Result<Message> {
        Ok(self.recv()?)
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

struct Endpoint<O, I> {
    outgoing: O,
    incoming: I,
}

impl<O: Outgoing, I: Incoming> Link for Endpoint<O, I> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.outgoing.put(from_bytes(message)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        to_bytes(&self.incoming.take()?, buffer)
    }
}

pub(super) fn from_bytes(bytes: &[u8]) -> io::Result<Message> {
    exact_length(bytes.len(), MESSAGE_SIZE)?;
    let mut message = Message::default();
    for (word, bytes) in message.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_ne_bytes(*bytes);
    }
    Ok(message)
}

pub(super) fn to_bytes(message: &Message, buffer: &mut [u8]) -> io::Result<()> {
    exact_length(buffer.len(), MESSAGE_SIZE)?;
    for (word, bytes) in message.iter().zip(buffer.as_chunks_mut().0) {
        *bytes = word.to_ne_bytes();
    }
    Ok(())
}
