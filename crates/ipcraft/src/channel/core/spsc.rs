//! The core's traits for rings with one sender and one receiver.

use super::{BatchRing, DrainRing, InPlaceRing, LoanRing, NoRecovery, RecvRing, Ring, SendRing, TakeRing};
use crate::channel::Message;
use crate::channel::endpoint::Endpoint;
use crate::channel::ring::spsc::{RawReader, RawWriter, Reader, Writer};
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::slot_array::Slots;
use crate::error::Error;
use crate::shm::Plain;

impl<S: Slots> Ring for RawWriter<S> {
    type Recovery = NoRecovery;

    /// Makes the next send check the receiver's liveness: a sender whose receiver waits has the
    /// time.
    fn notified(&mut self) {
        self.force_check();
    }
}

/// The ring counts the sends itself, because it compares its check position for each message
/// anyway.
impl<W: Plain> SendRing<W> for Writer<W> {
    #[inline]
    fn may_send(&self, endpoint: &mut Endpoint) -> bool {
        !self.needs_check() && !endpoint.peer_status_changed()
    }

    fn checked(&mut self, endpoint: &Endpoint) {
        self.set_check_interval(endpoint.check_interval());
    }

    #[inline]
    fn push_fast(&mut self, wire: &W, inline: bool) -> bool {
        self.send(wire, inline);
        true
    }

    fn push(&mut self, wire: &W, inline: bool) -> TryResult<()> {
        Writer::push(self, wire, inline)
    }
}

impl<W: Plain> BatchRing<W> for Writer<W> {
    #[inline]
    fn may_send_many(&self, endpoint: &mut Endpoint, count: usize) -> bool {
        !self.needs_check_within(count) && !endpoint.peer_status_changed()
    }

    #[inline]
    fn push_many(&mut self, wires: &[W]) -> TryResult<usize> {
        Writer::push_many(self, wires)
    }
}

impl<S: Slots> LoanRing for RawWriter<S> {
    #[inline]
    fn commit_loan(&mut self) {
        self.commit(1);
    }
}

impl<S: Slots> Ring for RawReader<S> {
    type Recovery = NoRecovery;
}

impl<W: Plain> RecvRing<W> for Reader<W> {
    type Item = W;
    type Error = Error;

    #[inline]
    fn pop_fast(&mut self) -> Option<W> {
        self.pop_cached()
    }

    #[inline]
    fn find(&mut self) -> TryResult<()> {
        Reader::find(self)
    }

    #[inline]
    fn take(&mut self) -> Option<W> {
        Some(Reader::take(self))
    }

    #[inline]
    fn deliver<T: Message<Wire = W>>(wire: W, endpoint: &Endpoint) -> Result<T, Error> {
        T::from_wire(wire).ok_or_else(|| endpoint.corrupted())
    }
}

impl<W: Plain> DrainRing for Reader<W> {
    fn present(&mut self) -> Result<u64, Corrupt> {
        Reader::available(self)
    }

    fn free_taken(&mut self, endpoint: &mut Endpoint) {
        self.publish();
        endpoint.notify();
    }
}

impl<W: Plain> TakeRing<W> for Reader<W> {
    #[inline]
    fn take_unfreed(&mut self) -> TryResult<W> {
        Ok(Some(Reader::take_unfreed(self)))
    }
}

impl<S: Slots> InPlaceRing for RawReader<S> {
    #[inline]
    fn free_in_place(&mut self) {
        self.skip();
    }
}
