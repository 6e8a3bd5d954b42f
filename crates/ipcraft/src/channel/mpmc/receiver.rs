//! A receiving endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Channel, LEASES, Mpmc, Received};
use crate::channel::core::{Core, Forever, Never, Patience, RawDrain, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::recovery::Recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::mpmc::Reader;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::Result;
use crate::pid::Pid;

/// One of up to 64 receiving endpoints. It may move to another thread (`Send`), but is not shared
/// (not `Sync`): open another one for another thread.
///
/// After the last receiver is dropped or its process has died, sending fails with `Disconnected`.
/// New receivers may be opened from the [channel](Channel) at any time, and receive the messages
/// that no receiver has taken.
pub struct Receiver<T: Message> {
    core: Core<Reader>,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Receiver<T> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let slots = super::slots::<T>(region)?;
        let recovery = Recovery::new(region, slots);
        recovery.reclaim_predecessor(&lease)?;
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the control block.
        let reader = unsafe { Reader::resume(slots, region.control(0), endpoint.lease_id()) };
        let reader = reader.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Receiver { core: Core::new(reader, recovery, endpoint), _type: PhantomData })
    }

    /// Opens the channel of this name and a receiving endpoint.
    ///
    /// # Errors
    ///
    /// Fails as [`Options::open`](crate::channel::Options::open) and [`Channel::receiver`] do.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.receiver()
    }

    /// Takes over the endpoint that was [converted](Receiver::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not such an
    /// endpoint; with [`InUse`](crate::ErrorKind::InUse) if it was closed meanwhile and another
    /// receiver took its lease. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Mpmc<T>>(fd, |_| LEASES.receivers, "open receiver")?;
        Receiver::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "a message");

    /// Returns the number of messages that wait to be received.
    ///
    /// It reads the state of every slot. Other endpoints may send or receive at any time, so the
    /// number may be out of date when this returns.
    pub fn len(&self) -> usize {
        self.core.ring.len()
    }

    /// Returns whether no message waits to be received. The answer is as stale as that of
    /// [`len`](Receiver::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether every slot holds a message that waits to be received. The answer is as stale
    /// as that of [`len`](Receiver::len).
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Returns the process that holds the slot at which the last call of this endpoint stopped, by
    /// a [`Loan`](super::Loan) or by a message that it is reading in place.
    ///
    /// Call it after [`TimedOut`](crate::ErrorKind::TimedOut) or
    /// [`Empty`](crate::ErrorKind::Empty), to find a stopped process. If it is `None`, no process
    /// holds the slot: there is no message.
    ///
    /// The answer may be out of date when this returns. It is the id that the process had, in its
    /// own pid namespace, when it opened the endpoint. A peer that does not conform can make it any
    /// number.
    pub fn holder(&self) -> Option<Pid> {
        let Core { ring, endpoint, .. } = &self.core;
        ring.holder().and_then(|lease| endpoint.registrant(lease))
    }

    /// Receives a message, blocking until there is one. No other receiver receives it.
    ///
    /// The message has left the channel when this returns. If the process dies during the call,
    /// either the message was received, or another receiver gets it.
    ///
    /// # Errors
    ///
    /// Fails with [`Disconnected`](crate::ErrorKind::Disconnected) if all senders have left and no
    /// message is left. New senders may connect later, and a message that a dead receiver held may
    /// become available. Fails with [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state
    /// is invalid, or the bytes are not a value of the type.
    #[inline]
    pub fn recv(&mut self) -> Result<T> {
        self.core.recv(Forever)
    }

    /// Receives like [`recv`](Receiver::recv), but fails with [`Empty`](crate::ErrorKind::Empty)
    /// instead of blocking, also while the next message is still being written.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T> {
        self.core.recv(Never)
    }

    /// Receives like [`recv`](Receiver::recv), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is no message within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T> {
        self.core.recv(Within(timeout))
    }

    /// Receives a message without copying it, blocking until there is one.
    ///
    /// The message stays in the channel until the guard is dropped. If the process dies before
    /// that, another receiver gets it.
    ///
    /// # Errors
    ///
    /// Fails as [`recv`](Receiver::recv) does.
    pub fn recv_in_place(&mut self) -> Result<Received<'_, T>> {
        self.recv_in_place_with(Forever)
    }

    /// Receives like [`recv_in_place`](Receiver::recv_in_place), but fails with
    /// [`Empty`](crate::ErrorKind::Empty) instead of blocking.
    pub fn try_recv_in_place(&mut self) -> Result<Received<'_, T>> {
        self.recv_in_place_with(Never)
    }

    /// Receives like [`recv_in_place`](Receiver::recv_in_place), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is no message within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Result<Received<'_, T>> {
        self.recv_in_place_with(Within(timeout))
    }

    fn recv_in_place_with(&mut self, patience: impl Patience) -> Result<Received<'_, T>> {
        self.core.attempt(patience, Reader::claim)?;
        Received::new(&mut self.core)
    }

    /// Receives the messages that are in the channel, without waiting for more. It ends after as
    /// many as were there when it began, even if a sender is faster.
    ///
    /// Blocked senders are woken when the iterator is dropped or after 64 messages.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain { raw: RawDrain::new(&mut self.core), _type: PhantomData }
    }

    /// Returns an iterator over messages, which blocks until the next one arrives. It ends when all
    /// senders have left and no message is left.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { receiver: self }
    }
}

/// Iterator over messages as they arrive, until all senders leave.
///
/// Each item may be an error instead. After [`Corrupted`](crate::ErrorKind::Corrupted), stop
/// iterating.
pub struct Iter<'a, T: Message> {
    receiver: &'a mut Receiver<T>,
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        self.receiver.core.recv_next()
    }
}

impl<'a, T: Message> IntoIterator for &'a mut Receiver<T> {
    type Item = Result<T>;
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
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        self.raw.next()
    }
}

impl<T: Message> FusedIterator for Drain<'_, T> {}

debug_by_endpoint! {
    Receiver<T> core.endpoint;
    Iter<'_, T> receiver.core.endpoint;
    Drain<'_, T> raw.core.endpoint;
}
