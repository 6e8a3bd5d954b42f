//! A subscribing endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use super::{Broadcast, Channel, Overflow, Received, RecvError};
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, RawDrain, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::broadcast::Reader;
use crate::channel::ring::cursors::Cursors;
use crate::channel::ring::seqlock;
use crate::channel::shared::region::SharedRegion;
use crate::channel::tuning::{JOIN_RETRY_INTERVAL, MAX_JOIN_ATTEMPTS};
use crate::channel::{Message, handle};
use crate::error::{ErrorKind, Result};

/// An endpoint that receives every message that is sent after it has joined. It may move to another
/// thread (`Send`), but is not shared (not `Sync`).
///
/// After the last subscriber is dropped or its process has died, sending fails with `Disconnected`.
/// A subscriber that leaves or dies no longer blocks the publisher.
pub struct Subscriber<T: Message> {
    core: Core<Reader>,
    _type: PhantomData<fn() -> T>,
}

/// The operation of errors about the endpoint.
const OPEN: &str = "open subscriber";

impl<T: Message> Subscriber<T> {
    /// Acquires a lease and begins with the next message that is sent.
    pub(super) fn join(region: &Arc<SharedRegion>) -> Result<Self> {
        let leases = super::leases(region).receivers;
        let acquire = || handle::acquire(region, leases.clone(), OPEN);
        let mut lease = acquire();
        for _ in 1..MAX_JOIN_ATTEMPTS {
            match &lease {
                Err(e) if matches!(e.kind(), ErrorKind::LimitReached | ErrorKind::InUse) => {
                    sleep(JOIN_RETRY_INTERVAL);
                    lease = acquire();
                }
                _ => break,
            }
        }
        Subscriber::new(region, lease?, Reader::join)
    }

    fn new(
        region: &Arc<SharedRegion>,
        lease: Lease,
        begin: impl FnOnce(seqlock::Reader, Cursors, u32, Overflow) -> Reader,
    ) -> Result<Self> {
        let number = lease.number();
        let slots = super::slots::<T>(&region.data_area())?;
        let (cursors, leases) = (super::cursors(region)?, super::leases(region));
        let mut endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &leases)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the control block.
        let ring = unsafe { seqlock::Reader::at(slots, region.control(0), 0) };
        let reader = begin(ring, cursors, number, super::overflow(region));
        // A publisher that polled while this cursor was joining may have blocked.
        endpoint.notify_all();
        Ok(Subscriber { core: Core::new(reader, NoRecovery, endpoint), _type: PhantomData })
    }

    /// Opens the channel of this name and joins as a subscriber.
    ///
    /// # Errors
    ///
    /// Fails as [`Options::open`](crate::channel::Options::open) and [`Channel::subscriber`] do.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.subscriber()
    }

    /// Takes over the endpoint that was [converted](Subscriber::into_fd) to this descriptor. It
    /// continues with the next message of that endpoint.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not such an endpoint;
    /// with [`InUse`](ErrorKind::InUse) if it was closed meanwhile and another subscriber took its
    /// lease. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) =
            handle::adopt::<Broadcast<T>>(fd, |region| super::leases(region).receivers, OPEN)?;
        Subscriber::new(&region, lease, Reader::resume)
    }

    /// Converts this endpoint to its descriptor, to pass it to a [child](crate::process) or over a
    /// [socket](crate::socket).
    ///
    /// The descriptor owns the endpoint. Peers see the endpoint as connected while the descriptor
    /// is open. The new owner receives messages that are sent meanwhile.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](ErrorKind::Invalid) if the channel has a name. The other process
    /// opens it by that name.
    pub fn into_fd(mut self) -> Result<OwnedFd> {
        self.core.ring.publish_position();
        self.core.endpoint.into_fd()
    }

    endpoint_methods!(@waiting core.endpoint, "a message");
    endpoint_methods!(@peers core.endpoint);

    /// Returns the number of messages that this subscriber has not received: at most the capacity.
    ///
    /// The publisher may add some at any time, so the number may be too small when this returns.
    pub fn len(&self) -> usize {
        self.core.ring.len()
    }

    /// Returns whether no message can be received without waiting. The answer is as stale as that
    /// of [`len`](Subscriber::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the publisher has to wait for this subscriber, or overwrites the messages
    /// that it has not received. The answer is as stale as that of [`len`](Subscriber::len).
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Receives a message, blocking until there is one.
    ///
    /// # Errors
    ///
    /// * [`Lagged`](RecvError::Lagged) with the number of messages that were overwritten before
    ///   this subscriber received them. The next call continues after them.
    /// * [`Failed`](RecvError::Failed) of kind [`Disconnected`](ErrorKind::Disconnected) if the
    ///   publisher has left and every message is received. A new publisher may connect later.
    /// * [`Failed`](RecvError::Failed) of kind [`Corrupted`](ErrorKind::Corrupted) if the shared
    ///   state is invalid, or the bytes are not a value of the type.
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.core.recv(Forever)
    }

    /// Receives like [`recv`](Subscriber::recv), but fails with [`Empty`](ErrorKind::Empty) instead
    /// of blocking.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, RecvError> {
        self.core.recv(Never)
    }

    /// Receives like [`recv`](Subscriber::recv), but fails with [`TimedOut`](ErrorKind::TimedOut)
    /// if there is no message within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvError> {
        self.core.recv(Within(timeout))
    }

    /// Receives a message without copying it, blocking until there is one.
    ///
    /// With [`Overwrite`](super::Overflow::Overwrite), the message may be overwritten while it is
    /// read. A [read](Received::read_at) then fails instead of returning a mix of two messages.
    ///
    /// # Errors
    ///
    /// Fails as [`recv`](Subscriber::recv) does.
    pub fn recv_in_place(&mut self) -> Result<Received<'_, T>, RecvError> {
        self.recv_in_place_with(Forever)
    }

    /// Receives like [`recv_in_place`](Subscriber::recv_in_place), but fails with
    /// [`Empty`](ErrorKind::Empty) instead of blocking.
    pub fn try_recv_in_place(&mut self) -> Result<Received<'_, T>, RecvError> {
        self.recv_in_place_with(Never)
    }

    /// Receives like [`recv_in_place`](Subscriber::recv_in_place), but fails with
    /// [`TimedOut`](ErrorKind::TimedOut) if there is no message within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Result<Received<'_, T>, RecvError> {
        self.recv_in_place_with(Within(timeout))
    }

    fn recv_in_place_with(&mut self, patience: impl Patience) -> Result<Received<'_, T>, RecvError> {
        let next = self.core.attempt(patience, Reader::slot_ptr)?;
        Received::new(&mut self.core, next)
    }

    /// Receives the messages that are in the channel, without waiting for more. It ends after as
    /// many as were there when it began, even if a sender is faster.
    ///
    /// It is cheaper than one call for each message. The slots are freed together: when the
    /// iterator is dropped, or after 64 messages.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain { raw: RawDrain::new(&mut self.core), _type: PhantomData }
    }

    /// Returns an iterator over messages, which blocks until the next one arrives. It ends when the
    /// publisher has left and every message is received.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { subscriber: self }
    }
}

/// Iterator over messages as they arrive, until the publisher leaves.
///
/// Each item may be an error instead. After [`Corrupted`](ErrorKind::Corrupted), stop iterating.
pub struct Iter<'a, T: Message> {
    subscriber: &'a mut Subscriber<T>,
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = Result<T, RecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.subscriber.core.recv_next()
    }
}

impl<'a, T: Message> IntoIterator for &'a mut Subscriber<T> {
    type Item = Result<T, RecvError>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// Iterator over the messages that are in the channel.
pub struct Drain<'a, T: Message> {
    raw: RawDrain<'a, Reader>,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Iterator for Drain<'_, T> {
    type Item = Result<T, RecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.raw.next()
    }
}

impl<T: Message> FusedIterator for Drain<'_, T> {}

debug_by_endpoint! {
    Subscriber<T> core.endpoint;
    Iter<'_, T> subscriber.core.endpoint;
    Drain<'_, T> raw.core.endpoint;
}
