//! The receiving endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Channel, LEASES, Received, Spsc};
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, RawDrain, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::spsc::Reader;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::Result;

/// The only receiving endpoint. It may move to another thread (`Send`), but is not shared (not
/// `Sync`).
///
/// After the receiver is dropped, or its process dies, sending fails with `Disconnected`. A new
/// receiver opened from the [channel](Channel) gets the messages that were not received.
pub struct Receiver<T: Message> {
    core: Core<Reader<T::Wire>>,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Receiver<T> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        let slots = region.data_area().slot_array(0, region.config().capacity)?;
        // SAFETY: because `endpoint` keeps the region mapped, and the region contains the control
        // block.
        let reader = unsafe { Reader::resume(slots, region.control(0)) };
        Ok(Receiver { core: Core::new(reader, NoRecovery, endpoint), _type: PhantomData })
    }

    /// Opens the channel of this name, and its receiving endpoint.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and
    /// [`InUse`](crate::ErrorKind::InUse) if another receiver exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.receiver()
    }

    /// Takes over the endpoint that was [converted](Receiver::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not such an
    /// endpoint; [`InUse`](crate::ErrorKind::InUse) if it was closed in the meantime and another
    /// receiver was opened. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Spsc<T>>(fd, |_| LEASES.receivers, "open receiver")?;
        Receiver::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "a message");

    /// Returns the number of messages that can be received without waiting.
    ///
    /// The sender may add some at any time, so the number may be too small when this returns.
    pub fn len(&self) -> usize {
        self.core.ring.len()
    }

    /// Returns whether no message can be received without waiting. The result may be stale, as that
    /// of [`len`](Receiver::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the channel has no space for another message. The result may be stale, as
    /// that of [`len`](Receiver::len).
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Receives a message, blocking until one is available.
    ///
    /// When this returns, the message is no longer in the channel. If the process dies during the
    /// call, either the message was received, or the next receiver gets it.
    ///
    /// # Errors
    ///
    /// Fails with [`Disconnected`](crate::ErrorKind::Disconnected) if the sender has left and every
    /// message was received (a new sender may connect later);
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state is invalid, or the bytes are
    /// not a value of the type.
    #[inline]
    pub fn recv(&mut self) -> Result<T> {
        self.core.recv(Forever)
    }

    /// [`recv`](Receiver::recv) that fails with [`Empty`](crate::ErrorKind::Empty) instead of
    /// blocking.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T> {
        self.core.recv(Never)
    }

    /// [`recv`](Receiver::recv) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there
    /// is no message within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T> {
        self.core.recv(Within(timeout))
    }

    /// Receives a message without copying it, blocking until one is available.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Receiver::recv).
    pub fn recv_in_place(&mut self) -> Result<Received<'_, T>> {
        self.recv_in_place_with(Forever)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with
    /// [`Empty`](crate::ErrorKind::Empty) instead of blocking.
    pub fn try_recv_in_place(&mut self) -> Result<Received<'_, T>> {
        self.recv_in_place_with(Never)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if there is no message within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Result<Received<'_, T>> {
        self.recv_in_place_with(Within(timeout))
    }

    fn recv_in_place_with(&mut self, patience: impl Patience) -> Result<Received<'_, T>> {
        let start = self.core.attempt(patience, Reader::slot_ptr)?;
        Ok(Received::new(&mut self.core, start))
    }

    /// Receives up to `buffer.len()` messages, blocking until at least one is available. Returns
    /// their number.
    ///
    /// This is the fastest way to receive many small messages.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Receiver::recv). If the bytes of a message are not a value of the type, the
    /// messages before it are returned, and the next call fails.
    pub fn recv_many(&mut self, buffer: &mut [T]) -> Result<usize> {
        self.recv_many_with(buffer, Forever)
    }

    /// [`recv_many`](Receiver::recv_many) that fails with [`Empty`](crate::ErrorKind::Empty)
    /// instead of blocking.
    pub fn try_recv_many(&mut self, buffer: &mut [T]) -> Result<usize> {
        self.recv_many_with(buffer, Never)
    }

    /// [`recv_many`](Receiver::recv_many) that fails with [`TimedOut`](crate::ErrorKind::TimedOut)
    /// if there is no message within `timeout`.
    pub fn recv_many_timeout(&mut self, buffer: &mut [T], timeout: Duration) -> Result<usize> {
        self.recv_many_with(buffer, Within(timeout))
    }

    fn recv_many_with(&mut self, buffer: &mut [T], patience: impl Patience) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let found = self.core.attempt(patience, Reader::find_many)?;
        let count = buffer.len().min(found as usize);
        let ring = &self.core.ring;
        let taken = T::copy_wires(&mut buffer[..count], |i| ring.read_nth(i), |wires| ring.read_many(wires));
        // An invalid message is removed too, or the next call would find it again.
        self.core.ring.release_many(taken.max(1));
        self.core.notify();
        if taken == 0 { Err(self.core.endpoint.corrupted()) } else { Ok(taken) }
    }

    /// Receives the messages that are in the channel, without waiting for more. It ends after as
    /// many as were there when it began, even if a sender is faster.
    ///
    /// This is cheaper than one call for each, because the slots are freed together: after 64
    /// messages, and when the iterator is dropped. If the process dies earlier, the next receiver
    /// gets these messages again.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain { raw: RawDrain::new(&mut self.core), _type: PhantomData }
    }

    /// Returns an iterator over messages as they arrive, blocking for each. It ends when the sender
    /// has left and every message was received.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { receiver: self }
    }
}

/// Iterator over messages as they arrive, until the sender has left.
///
/// An item may be an error. After [`Corrupted`](crate::ErrorKind::Corrupted), stop iterating.
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
    raw: RawDrain<'a, Reader<T::Wire>>,
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
