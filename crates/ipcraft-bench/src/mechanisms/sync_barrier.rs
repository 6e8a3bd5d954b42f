//! One slot of shared memory each way, and a barrier between writing and reading.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::shm::Shared;
use ipcraft::sync::{Barrier, Participant};

use super::locks::shared;
use super::slot;
use crate::baseline::barrier;
use crate::baseline::slot::{MAX_MESSAGE, Slot};
use crate::link::{Endpoints, Link};
use crate::mechanism::{Implementation, Mechanism};
use crate::workload::Workload;

/// A slot each way and a barrier.
pub(crate) static MECHANISM: Mechanism = Mechanism {
    id: "sync_barrier",
    summary: "a slot of shared memory each way and a barrier for both processes",
    family: "memory",
    gives_up: "no poll(2)",
    workloads: &[Workload::RoundTrip],
    sizes: || 1..=MAX_MESSAGE,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Baseline, barrier::connect)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Endpoints> {
    let memory = slot::memory(0)?;
    let barrier = Arc::new(shared(Barrier::init)?);
    let endpoint = |outgoing, incoming| -> io::Result<Endpoint> {
        Ok(Endpoint {
            outgoing: slot::new(&memory, outgoing)?,
            incoming: slot::new(&memory, incoming)?,
            barrier: barrier.clone(),
            participant: None,
        })
    };
    Ok(Endpoints::new(endpoint(0, 1)?, endpoint(1, 0)?))
}

struct Endpoint {
    outgoing: Slot,
    incoming: Slot,
    barrier: Arc<Shared<Barrier<2>>>,
    /// Set by the process that owns this endpoint.
    participant: Option<Participant<'static, 2>>,
}

impl Endpoint {
    #[inline]
    fn wait(&self) -> io::Result<()> {
        self.participant.as_ref().ok_or(io::ErrorKind::NotConnected)?.wait()?;
        Ok(())
    }
}

impl Link for Endpoint {
    /// Joins the barrier for the rest of the process's life.
    fn on_start(&mut self) -> io::Result<()> {
        let barrier: &'static Arc<_> = Box::leak(Box::new(self.barrier.clone()));
        self.participant = Some(barrier.join()?);
        Ok(())
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.outgoing.put(message);
        self.wait()
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.wait()?;
        self.incoming.take(buffer)
    }
}
