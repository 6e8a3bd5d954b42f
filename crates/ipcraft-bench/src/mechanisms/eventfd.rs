//! Two eventfds, one each way: what is counted is the message.

use std::io;
use std::path::Path;

use ipcraft::event::EventFd;

use crate::link::{Ends, Link};
use crate::raw::eventfd::{self, SIZE, count_of, message_of};
use crate::registry::{Implementation, Mechanism};
use crate::workload::Workload;

/// The registration. One after another only: two messages that nobody has taken yet would become their sum.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "eventfd",
    summary: "two counters behind descriptors, one each way",
    workloads: &[Workload::RoundTrip],
    sizes: || SIZE..=SIZE,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, eventfd::connect)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let (there, back) = (EventFd::new(0)?, EventFd::new(0)?);
    let (also_there, also_back) = (there.try_clone()?, back.try_clone()?);
    Ok(Ends::new(End { outgoing: there, incoming: back }, End { outgoing: also_back, incoming: also_there }))
}

struct End {
    outgoing: EventFd,
    incoming: EventFd,
}

impl Link for End {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(self.outgoing.add(count_of(message)?)?)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        message_of(self.incoming.take()?, buffer)
    }
}
