//! Requests and replies through one channel. The baseline is a naive ring each way.

use std::io;
use std::mem::forget;

use ipcraft::channel::request::{self, Client, Server};

use crate::baseline::ring::{self, DEFAULT_SPINS};
use crate::link::{Endpoints, Link};
use crate::mechanism::{Implementation, Mechanism, Waiting};
use crate::workload::Workload;

use super::channel_typed::{MESSAGE_SIZE, Message, from_bytes, to_bytes};

/// A request channel.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "channel_request",
    summary: "requests and replies through a channel in shared memory",
    family: "channel",
    gives_up: "one message type; poll(2) needs inotify",
    waiting: Waiting::Adaptive,
    workloads: &[Workload::RoundTrip],
    sizes: || MESSAGE_SIZE..=MESSAGE_SIZE,
    equal_baseline: false,
    implementations: &[
        (Implementation::Ipcraft, |_| ipcraft()),
        (Implementation::Baseline, |_| ring::connect(DEFAULT_SPINS)),
    ],
    ..Mechanism::BLOCKING
};

/// The requests that the channel holds.
const CAPACITY: usize = 64;

fn ipcraft() -> io::Result<Endpoints> {
    let (client, server) = request::channel::<Message, Message>(CAPACITY)?;
    Ok(Endpoints::new(Requester(client), Responder(server)))
}

struct Requester(Client<Message, Message>);

impl Link for Requester {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.send(from_bytes(message)?)?;
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (_, reply) = self.0.recv()?;
        to_bytes(&reply, buffer)
    }
}

struct Responder(Server<Message, Message>);

impl Link for Responder {
    /// Receives the request again, since it has no reply yet.
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let request = self.0.recv()?;
        request.respond(from_bytes(message)?)?;
        Ok(())
    }

    /// Forgets the request instead of dropping it, since dropping rejects it.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let request = self.0.recv()?;
        let copied = to_bytes(request.body(), buffer);
        forget(request);
        copied
    }
}
