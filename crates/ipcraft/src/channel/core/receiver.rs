//! Receiving, generic over the ring.

use super::{Core, Forever, Patience, Ring};
use crate::channel::Message;
use crate::channel::endpoint::Endpoint;
use crate::channel::ring::TryResult;
use crate::error::{Error, ErrorKind};

/// The reading side of a ring of messages of this wire type.
pub(crate) trait RecvRing<W>: Ring {
    /// The item that is taken out of the ring.
    type Item;

    /// The error of receiving.
    type Error: From<Error>;

    /// Takes the next item on the fast path. After `None`, [`find`](RecvRing::find) decides.
    fn pop_fast(&mut self) -> Option<Self::Item>;

    /// Returns whether there is an item for [`take`](RecvRing::take).
    fn find(&mut self) -> TryResult<()>;

    /// Takes the item that was found, and frees its slot.
    fn take(&mut self) -> Option<Self::Item>;

    /// Notifies senders of freed slots, if any of them may be waiting.
    #[inline]
    fn notify(&mut self, endpoint: &mut Endpoint) {
        endpoint.notify();
    }

    /// Converts an item to the message, or to the error that it stands for.
    fn deliver<T: Message<Wire = W>>(item: Self::Item, endpoint: &Endpoint) -> Result<T, Self::Error>;
}

impl<R: Ring> Core<R> {
    /// Receives a message.
    #[inline]
    pub(crate) fn recv<T: Message>(&mut self, patience: impl Patience) -> Result<T, R::Error>
    where
        R: RecvRing<T::Wire>,
    {
        match self.ring.pop_fast() {
            Some(item) => self.deliver(item),
            None => self.recv_slow(patience),
        }
    }

    #[inline(never)]
    fn recv_slow<T: Message>(&mut self, patience: impl Patience) -> Result<T, R::Error>
    where
        R: RecvRing<T::Wire>,
    {
        self.attempt(patience, R::find)?;
        match self.ring.take() {
            Some(item) => self.deliver(item),
            // An item that was found stays in a valid ring.
            None => Err(self.endpoint.corrupted().into()),
        }
    }

    #[inline]
    fn deliver<T: Message>(&mut self, item: R::Item) -> Result<T, R::Error>
    where
        R: RecvRing<T::Wire>,
    {
        self.ring.notify(&mut self.endpoint);
        R::deliver(item, &self.endpoint)
    }

    /// Receives the next message of an iteration, which ends when all senders have left.
    #[inline]
    pub(crate) fn recv_next<T: Message>(&mut self) -> Option<Result<T, R::Error>>
    where
        R: RecvRing<T::Wire>,
    {
        match self.ring.pop_fast() {
            Some(item) => Some(self.deliver(item)),
            None => self.recv_next_slow(),
        }
    }

    #[inline(never)]
    fn recv_next_slow<T: Message>(&mut self) -> Option<Result<T, R::Error>>
    where
        R: RecvRing<T::Wire>,
    {
        match self.attempt(Forever, R::find) {
            Err(error) if error.kind() == ErrorKind::Disconnected => None,
            Err(error) => Some(Err(error.into())),
            Ok(()) => Some(match self.ring.take() {
                Some(item) => self.deliver(item),
                None => Err(self.endpoint.corrupted().into()),
            }),
        }
    }
}
