//! A realtime signal each way, its value the message.

use std::io;
use std::path::Path;

use ipcraft::Pid;
use ipcraft::signal::{Signal, SignalInfo, SignalMaskGuard, block, queue};

use crate::link::{Ends, Link};
use crate::pids::{self, Pids};
use crate::raw::signal::{self, LARGEST};
use crate::registry::{Implementation, Mechanism};
use crate::workload::Workload;

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "realtime_signal",
    summary: "a realtime signal each way, with a value",
    workloads: &[Workload::RoundTrip],
    sizes: || 1..=LARGEST,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, signal::connect_waiting)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let [client, server] = pids::both()?;
    Ok(Ends::new(End::new(client)?, End::new(server)?))
}

/// One end, and what it waits with once it is in a process of its own.
pub(super) struct End {
    pids: Pids,
    outgoing: Signal,
    pub(super) incoming: Signal,
    blocked: Option<SignalMaskGuard>,
}

impl End {
    pub(super) fn new(pids: Pids) -> io::Result<End> {
        let signal = |number: i32| Signal::realtime(number.unsigned_abs());
        Ok(End { outgoing: signal(pids.other())?, incoming: signal(pids.own())?, blocked: None, pids })
    }

    pub(super) fn take(info: &SignalInfo, buffer: &mut [u8]) -> io::Result<()> {
        pids::unpadded(info.value().ok_or(io::ErrorKind::InvalidData)?, buffer)
    }
}

impl Link for End {
    fn arrive(&mut self) -> io::Result<()> {
        self.blocked = Some(block(self.incoming)?);
        self.pids.arrive()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let value = i32::from_ne_bytes(pids::padded(message)?);
        Ok(queue(Pid::try_from(self.pids.of_the_other())?, self.outgoing, value)?)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let blocked = self.blocked.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        End::take(&blocked.wait()?, buffer)
    }
}
