//! The core's traits for broadcast rings.

use super::checked::ValidateRing;
use super::{BatchRing, DrainRing, LoanRing, Recover, RecvRing, Ring, SendRing, TakeRing};
use crate::channel::Message;
use crate::channel::endpoint::Endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::recv_error::RecvError;
use crate::channel::ring::broadcast::{Next, Reader, Writer};
use crate::channel::ring::cursors::Cursors;
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::counters::count;
use crate::shm::Plain;

/// Frees the cursors of dead subscribers, so that they no longer block the publisher.
impl Recover for Cursors {
    fn recover(&self, own: &Lease) {
        // If the kernel fails to answer, the next check tries again.
        self.reclaim_dead(|id, reclaim| drop(own.with_dead_lease(id, reclaim)));
    }
}

impl Ring for Writer {
    type Recovery = Cursors;
}

impl<W: Plain> SendRing<W> for Writer {
    #[inline]
    fn push(&mut self, wire: &W, _inline: bool) -> TryResult<()> {
        Writer::push(self, wire)
    }
}

impl<W: Plain> BatchRing<W> for Writer {
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
}

impl Ring for Reader {
    type Recovery = super::NoRecovery;
}

impl<W: Plain> RecvRing<W> for Reader {
    type Item = Next<W>;
    type Error = RecvError;

    #[inline]
    fn pop_fast(&mut self) -> Option<Next<W>> {
        self.pop().unwrap_or(None)
    }

    #[inline]
    fn find(&mut self) -> TryResult<()> {
        Reader::find(self)
    }

    #[inline]
    fn take(&mut self) -> Option<Next<W>> {
        self.pop().unwrap_or(None)
    }

    /// Only the slowest subscriber wakes the publisher. While no publisher waits, every subscriber
    /// notifies, because that disarms the doorbell.
    #[inline]
    fn notify(&mut self, endpoint: &mut Endpoint) {
        if !endpoint.no_waiters() && (!endpoint.has_waiters() || self.has_freed_writer()) {
            endpoint.notify_slow();
        }
    }

    #[inline]
    fn deliver<T: Message<Wire = W>>(next: Next<W>, endpoint: &Endpoint) -> Result<T, RecvError> {
        match next {
            Next::Message(wire) => T::from_wire(wire).ok_or_else(|| endpoint.corrupted().into()),
            Next::Lagged(number) => Err(lagged(number, endpoint)),
        }
    }
}

/// Counts messages that a subscriber lost.
#[cold]
#[inline(never)]
pub(crate) fn lagged(number: u64, endpoint: &Endpoint) -> RecvError {
    count(&endpoint.counters().lagged, number);
    RecvError::Lagged(number)
}

impl DrainRing for Reader {
    fn present(&mut self) -> Result<u64, Corrupt> {
        Ok(self.len() as u64)
    }

    fn free_taken(&mut self, endpoint: &mut Endpoint) {
        self.make_room();
        RecvRing::<u8>::notify(self, endpoint);
    }
}

impl<W: Plain> TakeRing<W> for Reader {
    #[inline]
    fn take_unfreed(&mut self) -> TryResult<Next<W>> {
        Reader::take(self)
    }
}

impl ValidateRing for Reader {
    #[inline]
    fn validate(&self) -> bool {
        Reader::validate(self)
    }
}
