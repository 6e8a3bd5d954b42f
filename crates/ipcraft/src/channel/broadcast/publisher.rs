//! The sending endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Broadcast, Channel, Loan, Subscriber};
use crate::channel::core::{Core, Forever, Never, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::broadcast::Writer;
use crate::channel::ring::seqlock;
use crate::channel::send_error::{SendAllError, SendError};
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::Result;

/// The only sending endpoint. It may move to another thread (`Send`), but is not shared (not
/// `Sync`).
///
/// After it is dropped or its process has died, subscribers get the remaining messages and then
/// `Disconnected`. A new publisher opened from the [channel](Channel) continues after the last
/// message.
pub struct Publisher<T: Message> {
    core: Core<Writer>,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Publisher<T> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let leases = super::leases(region);
        let mut endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &leases)?;
        endpoint.notify_wakes_all();
        let slots = super::slots::<T>(&region.data_area())?;
        // SAFETY: because `endpoint` keeps the region, which keeps the control block.
        let ring = unsafe { seqlock::Writer::resume(slots, region.control(0)) };
        let cursors = super::cursors(region)?;
        let writer = Writer::new(ring, cursors, super::overflow(region));
        Ok(Publisher { core: Core::new(writer, cursors, endpoint), _type: PhantomData })
    }

    /// Opens the channel of this name, and its sending endpoint.
    ///
    /// # Errors
    ///
    /// Fails as [`Options::open`](crate::channel::Options::open) does, or with
    /// [`InUse`](crate::ErrorKind::InUse) if another publisher exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.publisher()
    }

    /// Takes over the endpoint that was [converted](Publisher::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not such an
    /// endpoint; with [`InUse`](crate::ErrorKind::InUse) if it was closed meanwhile and another
    /// publisher was opened. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) =
            handle::adopt::<Broadcast<T>>(fd, |region| super::leases(region).senders, "open publisher")?;
        Publisher::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "space");

    /// Opens another subscriber of this channel. It receives every message that is sent after this
    /// returns.
    ///
    /// # Errors
    ///
    /// Fails as [`Channel::subscriber`] does.
    pub fn subscriber(&self) -> Result<Subscriber<T>> {
        Subscriber::join(self.core.endpoint.region())
    }

    /// Returns the number of messages that the slowest subscriber has not received.
    ///
    /// It reads the cursor of every subscriber. Subscribers may receive at any time, so the number
    /// may be too large when this returns. With [`Overwrite`](super::Overflow::Overwrite) the
    /// publisher does not know its subscribers' positions, and the number is zero.
    pub fn len(&self) -> usize {
        self.core.ring.len()
    }

    /// Returns whether every subscriber has received everything. The answer is as stale as that of
    /// [`len`](Publisher::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the next message has to wait for the slowest subscriber. The answer is as
    /// stale as that of [`len`](Publisher::len).
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Sends a message to all subscribers.
    ///
    /// With [`Block`](super::Overflow::Block), it blocks while the slowest subscriber leaves no
    /// space. With [`Overwrite`](super::Overflow::Overwrite), it never blocks. When it returns
    /// without an error, every connected subscriber receives the message or an error that counts it
    /// as missed, even if this process dies.
    ///
    /// # Errors
    ///
    /// Fails with [`Disconnected`](crate::ErrorKind::Disconnected) if all subscribers have left
    /// (before the first one has joined, messages are discarded without an error); with
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state is invalid. The error returns
    /// the message.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.core.send(message, Forever)
    }

    /// Sends like [`send`](Publisher::send), but fails with [`Full`](crate::ErrorKind::Full)
    /// instead of blocking.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.core.send(message, Never)
    }

    /// Sends like [`send`](Publisher::send), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the channel stays full for `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.core.send(message, Within(timeout))
    }

    /// Sends all messages, blocking while the channel is full. It is cheaper than one call for each
    /// message.
    ///
    /// # Errors
    ///
    /// Fails as [`send`](Publisher::send) does. The error contains the number of messages sent.
    pub fn send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.core.send_all(messages, Forever)
    }

    /// Sends like [`send_all`](Publisher::send_all), but only the messages for which there is
    /// space. Fails with [`Full`](crate::ErrorKind::Full) if those are not all messages.
    pub fn try_send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.core.send_all(messages, Never)
    }

    /// Sends like [`send_all`](Publisher::send_all), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if not all messages could be sent within `timeout`.
    pub fn send_all_timeout(&mut self, messages: &[T], timeout: Duration) -> Result<(), SendAllError> {
        self.core.send_all(messages, Within(timeout))
    }

    /// Returns the next slot, for writing a message in place. Blocks as [`send`](Publisher::send)
    /// does.
    ///
    /// The message is sent by [`commit`](Loan::commit). With
    /// [`Overwrite`](super::Overflow::Overwrite), the oldest message is lost when this returns,
    /// even without a commit.
    ///
    /// ```
    /// use ipcraft::channel::broadcast;
    ///
    /// let (mut publisher, mut subscriber) = broadcast::channel::<[u8; 4096]>(4)?;
    /// let mut frame = publisher.loan()?;
    /// frame.write_at(0, b"header")?;
    /// frame.commit();
    ///
    /// let frame = subscriber.recv_in_place()?;
    /// let mut start = [0; 6];
    /// frame.read_at(0, &mut start)?;
    /// assert_eq!(&start, b"header");
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`send`](Publisher::send) does.
    pub fn loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_with(Forever)
    }

    /// Loans a slot like [`loan`](Publisher::loan), but fails with [`Full`](crate::ErrorKind::Full)
    /// instead of blocking.
    pub fn try_loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_with(Never)
    }

    /// Loans a slot like [`loan`](Publisher::loan), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the channel stays full for `timeout`.
    pub fn loan_timeout(&mut self, timeout: Duration) -> Result<Loan<'_, T>> {
        self.loan_with(Within(timeout))
    }

    fn loan_with(&mut self, patience: impl Patience) -> Result<Loan<'_, T>> {
        self.core.check_peers::<T::Wire>()?;
        let start = self.core.attempt(patience, Writer::slot_ptr)?;
        Ok(Loan::new(&mut self.core, start))
    }
}

debug_by_endpoint! {
    Publisher<T> core.endpoint;
}
