//! Handing an endpoint over to another process, or to an event loop.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use super::Endpoint;
use super::lease::Lease;
use super::readiness::Readiness;
use crate::channel::endpoint::reactor::{Reactor, Registration, Waiter};
use crate::error::{ErrorKind, Result};

impl Endpoint {
    /// Returns a descriptor for event loops.
    pub(crate) fn readiness(&self) -> Result<Readiness> {
        Readiness::new(self.waiter())
    }

    /// Adds this endpoint to a reactor.
    pub(crate) fn register(&self, reactor: &Reactor) -> Result<Registration> {
        reactor.register(self.waiter()).map_err(|e| e.with_object(self.region.name()))
    }

    fn waiter(&self) -> Waiter {
        Waiter {
            doorbell: NonNull::from(self.own_doorbell()),
            peer_side: NonNull::from(self.peer_side()),
            region: self.region.clone(),
            lease: self.lease.as_ref().map_or_else(Weak::new, Arc::downgrade),
            peers: self.peers.clone(),
            waiters: self.waiters.1,
            event: self.own_event,
            any_closed: self.any_closed.get_or_init(Arc::default).clone(),
        }
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
