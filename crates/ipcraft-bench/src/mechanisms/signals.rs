//! A realtime signal each way, whose value is the message: received by waiting, or from a
//! descriptor.

use std::io;
use std::path::Path;

use ipcraft::Pid;
use ipcraft::signal::{Signal, SignalFd, SignalInfo, SignalMaskGuard, block, queue};

use crate::baseline::signals::{self as baseline, MAX_MESSAGE, Pids};
use crate::link::{Endpoints, Link};
use crate::mechanism::{Implementation, Mechanism};
use crate::workload::Workload;

/// A realtime signal that the receiver waits for.
pub(crate) static REALTIME_SIGNAL: Mechanism = Mechanism {
    id: "realtime_signal",
    summary: "a realtime signal each way, with a value",
    family: "signal",
    gives_up: "carries only a number",
    workloads: &[Workload::RoundTrip],
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[(Implementation::Ipcraft, waiting), (Implementation::Baseline, baseline::waiting)],
    ..Mechanism::BLOCKING
};

/// A realtime signal that is read from a descriptor.
pub(crate) static SIGNALFD: Mechanism = Mechanism {
    id: "signalfd",
    summary: "a realtime signal each way, read from a signalfd",
    family: "signal",
    pollable: true,
    gives_up: "carries only a number",
    workloads: &[Workload::RoundTrip],
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[(Implementation::Ipcraft, reading), (Implementation::Baseline, baseline::reading)],
    ..Mechanism::BLOCKING
};

fn waiting(_scratch: &Path) -> io::Result<Endpoints> {
    let [client, server] = baseline::pids()?;
    Ok(Endpoints::new(Endpoint::new(client)?, Endpoint::new(server)?))
}

fn reading(_scratch: &Path) -> io::Result<Endpoints> {
    let [client, server] = baseline::pids()?;
    Ok(Endpoints::new(Reading::new(client)?, Reading::new(server)?))
}

/// One endpoint. The process that owns it blocks the incoming signal and waits for it.
struct Endpoint {
    pids: Pids,
    /// The process that owns the other endpoint, once it is known.
    peer: Option<Pid>,
    outgoing: Signal,
    incoming: Signal,
    blocked: Option<SignalMaskGuard>,
}

impl Endpoint {
    fn new(pids: Pids) -> io::Result<Endpoint> {
        let signal = |number: i32| Signal::realtime(number.unsigned_abs());
        Ok(Endpoint {
            outgoing: signal(pids.other())?,
            incoming: signal(pids.own())?,
            blocked: None,
            peer: None,
            pids,
        })
    }

    #[cold]
    fn find_peer(&mut self) -> io::Result<Pid> {
        let peer = Pid::try_from(self.pids.of_peer())?;
        self.peer = Some(peer);
        Ok(peer)
    }

    fn message(info: &SignalInfo, buffer: &mut [u8]) -> io::Result<()> {
        baseline::from_value(info.value().ok_or(io::ErrorKind::InvalidData)?, buffer)
    }
}

impl Link for Endpoint {
    fn on_start(&mut self) -> io::Result<()> {
        self.blocked = Some(block(self.incoming)?);
        self.pids.on_start()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let value = baseline::to_value(message)?;
        let peer = match self.peer {
            Some(peer) => peer,
            None => self.find_peer()?,
        };
        Ok(queue(peer, self.outgoing, value)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let blocked = self.blocked.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        Endpoint::message(&blocked.wait()?, buffer)
    }
}

/// An endpoint that reads its signals from a descriptor.
struct Reading {
    endpoint: Endpoint,
    signals: SignalFd,
}

impl Reading {
    fn new(pids: Pids) -> io::Result<Reading> {
        let endpoint = Endpoint::new(pids)?;
        // Blocked until the descriptor exists, and again in the process that owns the endpoint.
        let signals = SignalFd::new(&block(endpoint.incoming)?)?;
        Ok(Reading { endpoint, signals })
    }
}

impl Link for Reading {
    fn on_start(&mut self) -> io::Result<()> {
        self.endpoint.on_start()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.endpoint.send(message)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        Endpoint::message(&self.signals.read()?, buffer)
    }
}
