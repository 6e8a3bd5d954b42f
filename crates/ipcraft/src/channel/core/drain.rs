//! Draining, generic over the ring.

use super::{Core, RecvRing, Ring};
use crate::channel::Message;
use crate::channel::endpoint::Endpoint;
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::tuning::DRAIN_BATCH;
use crate::error::{Error, Result};

/// A ring from which messages are taken in batches. The slots of a batch are freed together.
pub(crate) trait DrainRing: Ring {
    /// Returns how many items are in the ring: a drain takes no more.
    fn present(&mut self) -> Result<u64, Corrupt>;

    /// Frees the taken slots, and notifies senders.
    fn free_taken(&mut self, endpoint: &mut Endpoint);
}

/// A ring of messages of this wire type, which are taken without freeing their slots.
pub(crate) trait TakeRing<W>: DrainRing + RecvRing<W> {
    /// Takes the next item, if there is one, without freeing its slot.
    fn take_unfreed(&mut self) -> TryResult<Self::Item>;
}

/// Takes the messages that are in the ring, without waiting for more, and without taking more than
/// were there at first: senders may be faster than this endpoint.
pub(crate) struct RawDrain<'a, R: DrainRing> {
    pub(crate) core: &'a mut Core<R>,
    /// Number of items that may be taken after this batch; `None` until the first one is wanted.
    rest: Option<u64>,
    /// Number of items of this batch that may still be taken.
    left: u32,
    /// `left`, plus the number of taken items whose slots are not freed yet.
    granted: u32,
    /// Set once the ring was empty or corrupt: no further item is taken.
    is_done: bool,
}

impl<'a, R: DrainRing> RawDrain<'a, R> {
    pub(crate) fn new(core: &'a mut Core<R>) -> Self {
        RawDrain { core, rest: None, left: 0, granted: 0, is_done: false }
    }

    #[inline]
    pub(crate) fn next<T: Message>(&mut self) -> Option<Result<T, R::Error>>
    where
        R: TakeRing<T::Wire>,
    {
        if self.left == 0 {
            match self.refill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error.into())),
            }
        }
        match self.core.ring.take_unfreed() {
            Ok(Some(item)) => {
                self.left -= 1;
                Some(R::deliver(item, &self.core.endpoint))
            }
            Ok(None) => {
                self.finish();
                None
            }
            Err(Corrupt) => {
                self.finish();
                Some(Err(self.core.endpoint.corrupted().into()))
            }
        }
    }

    /// Frees the taken slots, and returns whether more items are available.
    #[inline(never)]
    fn refill(&mut self) -> Result<bool> {
        self.free();
        if self.is_done {
            return Ok(false);
        }
        let found = self.rest.map_or_else(|| self.core.ring.present(), Ok);
        let rest = found.unwrap_or(0);
        self.granted = rest.min(DRAIN_BATCH.into()) as u32;
        self.left = self.granted;
        self.rest = Some(rest - u64::from(self.granted));
        // An error also ends the drain: a loop over repeated errors would never end.
        self.is_done = self.left == 0;
        found.map(|_| !self.is_done).map_err(|Corrupt| -> Error { self.core.endpoint.corrupted() })
    }

    #[cold]
    fn finish(&mut self) {
        self.granted -= self.left;
        self.left = 0;
        self.is_done = true;
    }

    fn free(&mut self) {
        if self.left != self.granted {
            self.core.ring.free_taken(&mut self.core.endpoint);
            self.granted = self.left;
        }
    }
}

impl<R: DrainRing> Drop for RawDrain<'_, R> {
    fn drop(&mut self) {
        self.free();
    }
}
