//! One slot of shared memory each way, and a barrier between writing and reading.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ipcraft::shm::Shared;
use ipcraft::sync::{Barrier, Participant};

use super::lock::shared;
use super::slot::{self, Slot};
use crate::link::{Ends, Link};
use crate::raw::barrier;
use crate::raw::slot::LARGEST;
use crate::registry::{Implementation, Mechanism};
use crate::workload::Workload;

/// The registration.
pub(super) static MECHANISM: Mechanism = Mechanism {
    id: "sync_barrier",
    summary: "a slot of shared memory each way, and a barrier that both wait at",
    workloads: &[Workload::RoundTrip],
    sizes: || 1..=LARGEST,
    implementations: &[(Implementation::Ipcraft, ipcraft), (Implementation::Raw, barrier::connect)],
    ..Mechanism::BLOCKING
};

fn ipcraft(_scratch: &Path) -> io::Result<Ends> {
    let memory = slot::memory(0)?;
    let barrier = Arc::new(shared(Barrier::init)?);
    let end = |outgoing, incoming| -> io::Result<End> {
        Ok(End {
            outgoing: Slot::new(&memory, outgoing)?,
            incoming: Slot::new(&memory, incoming)?,
            barrier: barrier.clone(),
            seat: None,
        })
    };
    Ok(Ends::new(end(0, 1)?, end(1, 0)?))
}

struct End {
    outgoing: Slot,
    incoming: Slot,
    barrier: Arc<Shared<Barrier<2>>>,
    /// Taken by the process that keeps this end.
    seat: Option<Participant<'static, 2>>,
}

impl End {
    #[inline]
    fn wait(&self) -> io::Result<()> {
        self.seat.as_ref().ok_or(io::ErrorKind::NotConnected)?.wait()?;
        Ok(())
    }
}

impl Link for End {
    /// Who takes part does so for the rest of the process's life.
    fn arrive(&mut self) -> io::Result<()> {
        let barrier: &'static Arc<_> = Box::leak(Box::new(self.barrier.clone()));
        self.seat = Some(barrier.join()?);
        Ok(())
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Slot::check(message)?;
        self.outgoing.put(message);
        self.wait()
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.wait()?;
        self.incoming.take(buffer)
    }
}
