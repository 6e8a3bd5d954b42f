//! Two eventfds, one each way: the count is the message.

use std::io;
use std::path::Path;

use ipcraft::event::EventFd;

use crate::baseline::eventfd::{self, MESSAGE_SIZE, count_of, message_of};
use crate::link::{Endpoints, Link};
use crate::mechanism::{Implementation, Mechanism};
use crate::workload::Workload;

/// Two eventfds. Only round trips, since two messages that are not yet received would be added up.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "eventfd",
    summary: "two eventfds, one each way; the count is the message",
    family: "signal",
    pollable: true,
    gives_up: "carries only a count",
    workloads: &[Workload::RoundTrip],
    sizes: || MESSAGE_SIZE..=MESSAGE_SIZE,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Baseline, eventfd::connect)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let (there, back) = (EventFd::new(0)?, EventFd::new(0)?);
    let (also_there, also_back) = (there.try_clone()?, back.try_clone()?);
    Ok(Endpoints::new(
        Endpoint { outgoing: there, incoming: back },
        Endpoint { outgoing: also_back, incoming: also_there },
    ))
}

struct Endpoint {
    outgoing: EventFd,
    incoming: EventFd,
}

impl Link for Endpoint {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.outgoing.add(count_of(message)?)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        message_of(self.incoming.take()?, buffer)
    }
}
