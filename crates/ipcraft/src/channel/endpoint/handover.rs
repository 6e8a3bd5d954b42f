//! Handing an endpoint over to another process, or to an event loop.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use super::Endpoint;
use super::lease::Lease;
use super::readiness::Readiness;
use crate::error::{ErrorKind, Result};

impl Endpoint {
    /// Returns a descriptor for event loops.
    pub(crate) fn readiness(&self) -> Result<Readiness> {
        self.has_readiness.set(true);
        let lease = self.lease.as_ref().map_or_else(Weak::new, Arc::downgrade);
        let doorbell = NonNull::from(self.own_doorbell());
        Readiness::new(self.region.clone(), lease, doorbell, self.peers.clone(), self.waiters.1)
    }

    /// Releases the lease without waking the peers; they are woken when the endpoint is dropped.
    pub(crate) fn release_lease(&mut self) -> Option<Arc<Lease>> {
        self.lease.take()
    }

    /// Returns the descriptor that is this endpoint.
    pub(crate) fn into_fd(mut self) -> Result<OwnedFd> {
        if self.region.name().is_some() {
            return Err(self.error(ErrorKind::Invalid).with_hint("open the channel by its name there"));
        }
        let lease = self.release_lease().and_then(Lease::try_unwrap_unique).map(Lease::into_fd);
        lease.ok_or_else(|| self.error(ErrorKind::InUse))
    }
}
