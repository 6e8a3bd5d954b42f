//! Sending, generic over the ring.

use super::{Core, Patience, Recover, Ring};
use crate::channel::Message;
use crate::channel::endpoint::Endpoint;
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::send_error::{SendAllError, SendError};
use crate::error::Result;

/// The writing side of a ring, for items of this type.
pub(crate) trait SendRing<I: ?Sized>: Ring {
    /// Returns whether the next item may be sent without checking the peers first.
    #[inline]
    fn may_send(&self, endpoint: &mut Endpoint) -> bool {
        endpoint.may_send()
    }

    /// Adopts the check interval after the peers were checked.
    fn checked(&mut self, _endpoint: &Endpoint) {}

    /// Sends if there is space. Returns `false` otherwise, or if the ring is corrupt.
    #[inline]
    fn push_fast(&mut self, item: &I, inline: bool) -> bool {
        matches!(self.push(item, inline), Ok(Some(())))
    }

    /// Sends if there is space. `inline` is set if the peers requested inline delivery.
    fn push(&mut self, item: &I, inline: bool) -> TryResult<()>;
}

/// A ring to which several messages can be sent together.
pub(crate) trait BatchRing<W>: SendRing<W> {
    /// Whether a notification wakes only one waiter. Several messages then must wake all waiters.
    const WAKES_ONE: bool = false;

    /// Returns whether this many messages may be sent without checking the peers first.
    #[inline]
    fn may_send_many(&self, endpoint: &mut Endpoint, _count: usize) -> bool {
        self.may_send(endpoint)
    }

    /// Sends the first of these messages for which there is space, and returns their number.
    fn push_many(&mut self, wires: &[W]) -> TryResult<usize>;
}

impl<R: Ring> Core<R> {
    /// Sends if no check is due and there is space, which holds for most messages. It is small
    /// enough to be inlined.
    #[inline]
    pub(crate) fn push_fast<I: ?Sized>(&mut self, item: &I) -> bool
    where
        R: SendRing<I>,
    {
        if !self.ring.may_send(&mut self.endpoint) {
            return false;
        }
        // Loaded before the item is written: the compiler must assume that the write changes it.
        let doorbell = self.endpoint.peer_doorbell();
        if !self.ring.push_fast(item, self.endpoint.inline_requested()) {
            return false;
        }
        if !doorbell.no_waiters() {
            self.notify_waiters();
        }
        true
    }

    /// Checks the peers, and sends. Waits for space if necessary.
    pub(crate) fn push_slow<I: ?Sized>(&mut self, item: &I, patience: impl Patience) -> Result<()>
    where
        R: SendRing<I>,
    {
        self.check_peers()?;
        let inline = self.endpoint.inline_requested();
        self.attempt(patience, |ring| ring.push(item, inline))?;
        self.notify();
        Ok(())
    }

    /// Checks the peers if a check is due. Fails with `Disconnected` if all of them have left.
    #[inline]
    pub(crate) fn check_peers<I: ?Sized>(&mut self) -> Result<()>
    where
        R: SendRing<I>,
    {
        if self.ring.may_send(&mut self.endpoint) { Ok(()) } else { self.check_peers_now() }
    }

    #[inline(never)]
    pub(crate) fn check_peers_now<I: ?Sized>(&mut self) -> Result<()>
    where
        R: SendRing<I>,
    {
        let Core { ring, recovery, endpoint } = self;
        endpoint.check_peer(|own| recovery.recover(own))?;
        ring.checked(endpoint);
        Ok(())
    }

    /// Sends a message, or returns it with the reason.
    #[inline]
    pub(crate) fn send<T: Message>(
        &mut self,
        message: T,
        patience: impl Patience,
    ) -> std::result::Result<(), SendError<T>>
    where
        R: SendRing<T::Wire>,
    {
        if self.push_fast(&message.to_wire()) { Ok(()) } else { self.send_slow(message, patience) }
    }

    #[inline(never)]
    fn send_slow<T: Message>(
        &mut self,
        message: T,
        patience: impl Patience,
    ) -> std::result::Result<(), SendError<T>>
    where
        R: SendRing<T::Wire>,
    {
        let sent = self.push_slow(&message.to_wire(), patience);
        sent.map_err(|error| SendError::new(message, error))
    }

    /// Sends all messages, or returns how many were sent and the reason.
    pub(crate) fn send_all<T: Message>(
        &mut self,
        messages: &[T],
        patience: impl Patience,
    ) -> std::result::Result<(), SendAllError>
    where
        R: BatchRing<T::Wire>,
    {
        let patience = patience.start();
        let mut sent = 0;
        while sent < messages.len() {
            let now = self.send_some(&messages[sent..], patience);
            sent += now.map_err(|error| SendAllError::new(sent, error))?;
        }
        Ok(())
    }

    /// Sends the first of these messages, at least one, and returns their number.
    #[inline]
    fn send_some<T: Message>(&mut self, messages: &[T], patience: impl Patience) -> Result<usize>
    where
        R: BatchRing<T::Wire>,
    {
        if !self.ring.may_send_many(&mut self.endpoint, messages.len()) {
            self.check_peers_now()?;
        }
        match T::with_wires(messages, |wires| self.ring.push_many(wires)) {
            Ok(Some(sent)) => {
                if R::WAKES_ONE && sent > 1 {
                    self.endpoint.notify_all();
                } else {
                    self.notify();
                }
                Ok(sent)
            }
            Ok(None) => self.push_slow(&messages[0].to_wire(), patience).map(|()| 1),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }
}
