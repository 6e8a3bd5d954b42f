//! A realtime signal each way, read from a descriptor.

use std::io;
use std::path::Path;

use ipcraft::signal::{SignalFd, block};

use super::realtime_signal::End;
use crate::link::{Ends, Link};
use crate::pids::{self, Pids};
use crate::raw::signal::{self, LARGEST};
use crate::registry::{Implementation, Mechanism};
use crate::workload::Workload;

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "signalfd",
    summary: "the same, read from a signalfd",
    workloads: &[Workload::RoundTrip],
    sizes: || 1..=LARGEST,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, signal::connect_reading)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let [client, server] = pids::both()?;
    Ok(Ends::new(Reading::new(client)?, Reading::new(server)?))
}

struct Reading {
    end: End,
    signals: SignalFd,
}

impl Reading {
    fn new(pids: Pids) -> io::Result<Reading> {
        let end = End::new(pids)?;
        // SignalMaskGuard for good where the end arrives: here nobody sends yet.
        let signals = SignalFd::new(&block(end.incoming)?)?;
        Ok(Reading { end, signals })
    }
}

impl Link for Reading {
    fn arrive(&mut self) -> io::Result<()> {
        self.end.arrive()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.end.send(message)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        End::take(&self.signals.read()?, buffer)
    }
}
