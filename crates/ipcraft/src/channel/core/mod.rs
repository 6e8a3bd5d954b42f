//! The endpoint core: the operations of all endpoints, written once and generic over the ring.

pub(crate) mod checked;
mod drain;
mod face;
mod in_place;
mod patience;
mod receiver;
mod sender;

// The core's traits, implemented for each ring.
pub(crate) mod broadcast;
mod bytes;
mod latest;
mod mpmc;
mod spsc;

pub(crate) use drain::{DrainRing, RawDrain, TakeRing};
pub(crate) use face::{endpoint_methods, payload_deref};
pub(crate) use in_place::{InPlaceRing, LoanRing, RawLoan, RawReceived};
pub(crate) use patience::{Forever, MaxReplyWait, Never, Patience, Within};
pub(crate) use receiver::RecvRing;
pub(crate) use sender::{BatchRing, SendRing};

use super::endpoint::Endpoint;
use super::endpoint::lease::Lease;
use super::ring::{Corrupt, TryResult};
use crate::error::Result;

/// One side of a ring, as the core uses it.
pub(crate) trait Ring {
    /// Recovers the state that dead endpoints left behind.
    type Recovery: Recover;

    /// Called before a wait. Rings for notifications of the first attempt.
    fn before_wait(&self, _endpoint: &Endpoint) {}

    /// Called after a wait that ended with a result. Wakes another endpoint of the same side if
    /// more can be sent or received.
    fn after_wait(&self, _endpoint: &Endpoint) {}

    /// Called after a notification on the slow path, when peers may be waiting.
    fn notified(&mut self) {}
}

/// Recovery of state that dead endpoints left behind.
pub(crate) trait Recover {
    /// Recovers on behalf of the endpoint with this lease.
    fn recover(&self, own: &Lease);
}

/// The recovery of a ring whose endpoints leave nothing to recover.
pub(crate) struct NoRecovery;

impl Recover for NoRecovery {
    fn recover(&self, _own: &Lease) {}
}

/// One endpoint of one ring.
pub(crate) struct Core<R: Ring> {
    pub(crate) ring: R,
    recovery: R::Recovery,
    /// Dropped last, since it keeps the memory of the ring mapped.
    pub(crate) endpoint: Endpoint,
}

impl<R: Ring> Core<R> {
    pub(crate) fn new(ring: R, recovery: R::Recovery, endpoint: Endpoint) -> Self {
        Core { ring, recovery, endpoint }
    }

    /// Runs `attempt` once, and then repeatedly for as long as `patience` allows.
    #[inline]
    pub(crate) fn attempt<X>(
        &mut self,
        patience: impl Patience,
        mut attempt: impl FnMut(&mut R) -> TryResult<X>,
    ) -> Result<X> {
        match attempt(&mut self.ring) {
            Ok(Some(found)) => Ok(found),
            Ok(None) => self.finish(patience, attempt),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    /// Continues after a first attempt without a result.
    #[cold]
    #[inline(never)]
    fn finish<X>(
        &mut self,
        patience: impl Patience,
        mut attempt: impl FnMut(&mut R) -> TryResult<X>,
    ) -> Result<X> {
        let Core { ring, recovery, endpoint } = self;
        ring.before_wait(endpoint);
        let found = patience.finish(endpoint, || attempt(ring), |own| recovery.recover(own))?;
        self.ring.after_wait(&self.endpoint);
        Ok(found)
    }

    /// Notifies the peers of a change, if any of them may be waiting.
    #[inline]
    pub(crate) fn notify(&mut self) {
        if !self.endpoint.no_waiters() {
            self.notify_waiters();
        }
    }

    #[cold]
    #[inline(never)]
    fn notify_waiters(&mut self) {
        self.endpoint.notify_slow();
        self.ring.notified();
    }
}
