//! A sending endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Channel, LEASES, Loan, Mpmc};
use crate::channel::core::{Core, Forever, Never, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::recovery::Recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::mpmc::Writer;
use crate::channel::send_error::{SendAllError, SendError};
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::Result;
use crate::pid::Pid;

/// One of up to 64 sending endpoints. It may move to another thread (`Send`), but is not shared
/// (not `Sync`): open another one for another thread.
///
/// After the last sender is dropped or its process has died, receivers get the remaining messages
/// and then `Disconnected`. New senders may be opened from the [channel](Channel) at any time.
pub struct Sender<T: Message> {
    core: Core<Writer>,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Sender<T> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let slots = super::slots::<T>(region)?;
        let recovery = Recovery::new(region, slots);
        recovery.reclaim_predecessor(&lease)?;
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the control block.
        let writer = unsafe { Writer::resume(slots, region.control(0), endpoint.lease_id()) };
        let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Sender { core: Core::new(writer, recovery, endpoint), _type: PhantomData })
    }

    /// Opens the channel of this name and a sending endpoint.
    ///
    /// # Errors
    ///
    /// Fails as [`Options::open`](crate::channel::Options::open) and [`Channel::sender`] do.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.sender()
    }

    /// Takes over the endpoint that was [converted](Sender::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not such an
    /// endpoint; with [`InUse`](crate::ErrorKind::InUse) if it was closed meanwhile and another
    /// sender took its lease. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Mpmc<T>>(fd, |_| LEASES.senders, "open sender")?;
        Sender::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "space");

    /// Returns the number of messages that wait to be received.
    ///
    /// It reads the state of every slot. Other endpoints may send or receive at any time, so the
    /// number may be out of date when this returns.
    pub fn len(&self) -> usize {
        self.core.ring.len()
    }

    /// Returns whether no message waits to be received. The answer is as stale as that of
    /// [`len`](Sender::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether every slot holds a message that waits to be received. The answer is as stale
    /// as that of [`len`](Sender::len).
    ///
    /// A message that is being written or read in place also occupies a slot. So sending may block
    /// although this returns `false`.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Returns the process that holds the slot at which the last call of this endpoint stopped, by
    /// a [`Loan`](super::Loan) or by a message that it is reading in place.
    ///
    /// Call it after [`TimedOut`](crate::ErrorKind::TimedOut) or
    /// [`Full`](crate::ErrorKind::Full), to find a stopped process. If it is `None`, no process
    /// holds the slot: the slot contains a message that no receiver has
    /// claimed, or is free.
    ///
    /// The answer may be out of date when this returns. It is the id that the process had, in its
    /// own pid namespace, when it opened the endpoint. A peer that does not conform can make it any
    /// number.
    pub fn holder(&self) -> Option<Pid> {
        let Core { ring, endpoint, .. } = &self.core;
        ring.holder().and_then(|lease| endpoint.registrant(lease))
    }

    /// Sends a message, blocking while the channel is full.
    ///
    /// When it returns without an error, the message is in the channel, even if this process dies.
    /// One receiver receives it, after all earlier messages of this endpoint. A process that dies
    /// during the call has sent the whole message or nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`Disconnected`](crate::ErrorKind::Disconnected) if all receivers have left; with
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state is invalid. The error returns
    /// the message.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.core.send(message, Forever)
    }

    /// Sends like [`send`](Sender::send), but fails with [`Full`](crate::ErrorKind::Full) instead
    /// of blocking.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.core.send(message, Never)
    }

    /// Sends like [`send`](Sender::send), but fails with [`TimedOut`](crate::ErrorKind::TimedOut)
    /// if the channel stays full for `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.core.send(message, Within(timeout))
    }

    /// Sends all messages, blocking while the channel is full. It is cheaper than one call for each
    /// message.
    ///
    /// # Errors
    ///
    /// Fails as [`send`](Sender::send) does. The error contains the number of messages sent.
    pub fn send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.core.send_all(messages, Forever)
    }

    /// Sends like [`send_all`](Sender::send_all), but only the messages for which there is space.
    /// Fails with [`Full`](crate::ErrorKind::Full) if those are not all messages.
    pub fn try_send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.core.send_all(messages, Never)
    }

    /// Sends like [`send_all`](Sender::send_all), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if not all messages could be sent within `timeout`.
    pub fn send_all_timeout(&mut self, messages: &[T], timeout: Duration) -> Result<(), SendAllError> {
        self.core.send_all(messages, Within(timeout))
    }

    /// Returns the next slot, for writing a message in place. Blocks while the channel is full.
    ///
    /// The message is sent by [`commit`](Loan::commit).
    ///
    /// ```
    /// use ipcraft::channel::mpmc;
    ///
    /// let (mut sender, mut receiver) = mpmc::channel::<[u8; 4096]>(4)?;
    /// let mut frame = sender.loan()?;
    /// frame.write_at(0, b"header")?;
    /// frame.commit();
    ///
    /// let frame = receiver.recv_in_place()?;
    /// let mut start = [0; 6];
    /// frame.read_at(0, &mut start)?;
    /// assert_eq!(&start, b"header");
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`send`](Sender::send) does.
    pub fn loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_with(Forever)
    }

    /// Loans a slot like [`loan`](Sender::loan), but fails with [`Full`](crate::ErrorKind::Full)
    /// instead of blocking.
    pub fn try_loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_with(Never)
    }

    /// Loans a slot like [`loan`](Sender::loan), but fails with
    /// [`TimedOut`](crate::ErrorKind::TimedOut) if the channel stays full for `timeout`.
    pub fn loan_timeout(&mut self, timeout: Duration) -> Result<Loan<'_, T>> {
        self.loan_with(Within(timeout))
    }

    fn loan_with(&mut self, patience: impl Patience) -> Result<Loan<'_, T>> {
        self.core.check_peers::<T::Wire>()?;
        self.core.attempt(patience, Writer::claim)?;
        Loan::new(&mut self.core)
    }
}

debug_by_endpoint! {
    Sender<T> core.endpoint;
}
