//! An endpoint that sends in one direction and receives in the other.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::channel::WaitStrategy;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::reactor::{Reactor, Registration};
use crate::channel::endpoint::readiness::Readiness;
use crate::channel::endpoint::{Endpoint, LeaseRanges, Role};
use crate::channel::shared::region::SharedRegion;
use crate::error::{ErrorKind, Result};

/// Two endpoints that share one lease.
#[derive(Debug)]
pub(crate) struct DuplexEndpoint {
    pub(crate) outgoing: Endpoint,
    pub(crate) incoming: Endpoint,
    /// Whether the channel has a name.
    is_named: bool,
}

impl DuplexEndpoint {
    /// Takes the ends that send to one flow and receive from the other.
    pub(crate) fn new(
        region: &Arc<SharedRegion>,
        lease: Lease,
        outgoing: (usize, &LeaseRanges),
        incoming: (usize, &LeaseRanges),
    ) -> Result<DuplexEndpoint> {
        let lease = Arc::new(lease);
        let endpoint =
            |(index, ranges), role| Endpoint::new(region.clone(), index, lease.clone(), role, ranges);
        let is_named = region.name().is_some();
        Ok(DuplexEndpoint {
            outgoing: endpoint(outgoing, Role::Sender)?,
            incoming: endpoint(incoming, Role::Receiver)?,
            is_named,
        })
    }

    pub(crate) fn set_wait_strategy(&mut self, strategy: WaitStrategy) {
        self.outgoing.set_wait_strategy(strategy);
        self.incoming.set_wait_strategy(strategy);
    }

    pub(crate) fn wait_strategy(&self) -> WaitStrategy {
        self.incoming.wait_strategy()
    }

    pub(crate) fn readiness(&self) -> Result<Readiness> {
        self.incoming.readiness()
    }

    pub(crate) fn register(&self, reactor: &Reactor) -> Result<Registration> {
        self.incoming.register(reactor)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.incoming.capacity()
    }

    pub(crate) fn is_disconnected(&self) -> bool {
        self.incoming.is_disconnected()
    }

    /// Returns the descriptor that is both endpoints.
    pub(crate) fn into_fd(mut self) -> Result<OwnedFd> {
        if self.is_named {
            let error = self.outgoing.error(ErrorKind::Invalid);
            return Err(error.with_hint("open the channel by its name there"));
        }
        drop(self.incoming.release_lease());
        let lease = self.outgoing.release_lease().and_then(Lease::try_unwrap_unique).map(Lease::into_fd);
        lease.ok_or_else(|| self.outgoing.error(ErrorKind::InUse))
    }
}

impl Drop for DuplexEndpoint {
    /// Releases the lease before either endpoint wakes its peer, which would otherwise find it
    /// held.
    fn drop(&mut self) {
        drop((self.outgoing.release_lease(), self.incoming.release_lease()));
    }
}
