//! Requests and their answers, in one channel. The twin is a ring each way, so the ratio says what it costs to know which
//! answer is to which request.

use std::io;
use std::mem::forget;

use ipcraft::channel::request::{self, Client, Server};

use crate::link::{Ends, Link};
use crate::raw::ring;
use crate::registry::{Implementation, Mechanism, Waiting};
use crate::workload::Workload;

use super::channel_typed::{LOOKS, Message, SIZE, from_bytes, to_bytes};

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "channel_request",
    summary: "requests and answers through a channel in shared memory",
    waiting: Waiting::Adaptive,
    workloads: &[Workload::RoundTrip],
    sizes: || SIZE..=SIZE,
    implementations: &[
        (Implementation::Ipcraft, |_| ipcraft()),
        (Implementation::Raw, |_| ring::connect(LOOKS)),
    ],
    ..Mechanism::BLOCKING
};

/// Requests that there is room for.
const CAPACITY: usize = 64;

fn ipcraft() -> io::Result<Ends> {
    let (client, server) = request::channel::<Message, Message>(CAPACITY)?;
    Ok(Ends::new(Asking(client), Answering(server)))
}

struct Asking(Client<Message, Message>);

impl Link for Asking {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.send(from_bytes(message)?).map_err(ipcraft::Error::from)?;
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let (_, answer) = self.0.recv()?;
        to_bytes(&answer, buffer)
    }
}

struct Answering(Server<Message, Message>);

impl Link for Answering {
    /// The request is still there, since it was not answered.
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let request = self.0.recv()?;
        request.respond(from_bytes(message)?).map_err(ipcraft::Error::from)?;
        Ok(())
    }

    /// What is received is forgotten and not dropped, since that would give it up.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let request = self.0.recv()?;
        let copied = to_bytes(request.body(), buffer);
        forget(request);
        copied
    }
}
