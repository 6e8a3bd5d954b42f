//! The core's traits for work queues.

use super::{BatchRing, DrainRing, InPlaceRing, LoanRing, Recover, RecvRing, Ring, SendRing, TakeRing};
use crate::channel::Message;
use crate::channel::endpoint::Endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::recovery::Recovery;
use crate::channel::ring::mpmc::{Reader, Writer};
use crate::channel::ring::{Corrupt, TryResult};
use crate::error::Error;
use crate::shm::Plain;

impl Recover for Recovery {
    fn recover(&self, own: &Lease) {
        self.reclaim_all(own);
    }
}

/// After a wait, an endpoint wakes another endpoint of its side if more can be sent or received.
/// Earlier notifications may have woken endpoints that could not proceed.
impl Ring for Writer {
    type Recovery = Recovery;

    fn after_wait(&self, endpoint: &Endpoint) {
        if self.has_more() {
            endpoint.notify_own_side();
        }
    }
}

impl<W: Plain> SendRing<W> for Writer {
    #[inline]
    fn push(&mut self, wire: &W, _inline: bool) -> TryResult<()> {
        Writer::push(self, wire)
    }
}

impl<W: Plain> BatchRing<W> for Writer {
    const WAKES_ONE: bool = true;

    #[inline]
    fn push_many(&mut self, wires: &[W]) -> TryResult<usize> {
        Writer::push_many(self, wires)
    }
}

impl LoanRing for Writer {
    #[inline]
    fn commit_loan(&mut self) {
        self.commit();
    }

    fn end_loan(&mut self) -> bool {
        let is_abandoned = self.has_claim();
        if is_abandoned {
            self.skip();
        }
        is_abandoned
    }
}

impl Ring for Reader {
    type Recovery = Recovery;

    /// It may have freed slots that hold no message.
    fn before_wait(&self, endpoint: &Endpoint) {
        endpoint.ring_if_owed();
    }

    fn after_wait(&self, endpoint: &Endpoint) {
        if self.has_more() {
            endpoint.notify_own_side();
        }
    }
}

impl<W: Plain> RecvRing<W> for Reader {
    type Item = W;
    type Error = Error;

    #[inline]
    fn pop_fast(&mut self) -> Option<W> {
        self.pop().unwrap_or(None)
    }

    #[inline]
    fn find(&mut self) -> TryResult<()> {
        self.claim()
    }

    #[inline]
    fn take(&mut self) -> Option<W> {
        Reader::take(self)
    }

    #[inline]
    fn deliver<T: Message<Wire = W>>(wire: W, endpoint: &Endpoint) -> Result<T, Error> {
        T::from_wire(wire).ok_or_else(|| endpoint.corrupted())
    }
}

/// Each message frees its slot, but senders are notified once for a batch.
impl DrainRing for Reader {
    fn present(&mut self) -> Result<u64, Corrupt> {
        self.backlog()
    }

    fn free_taken(&mut self, endpoint: &mut Endpoint) {
        endpoint.notify_all();
    }
}

impl<W: Plain> TakeRing<W> for Reader {
    #[inline]
    fn take_unfreed(&mut self) -> TryResult<W> {
        self.pop()
    }
}

impl InPlaceRing for Reader {
    #[inline]
    fn free_in_place(&mut self) {
        self.free();
    }
}
