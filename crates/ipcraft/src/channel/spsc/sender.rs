//! The sending endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Channel, LEASES, Loan, Spsc};
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::spsc::Writer;
use crate::channel::send_error::{SendAllError, SendError};
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::Result;

/// The only sending endpoint. It may move to another thread (`Send`), but is not shared (not
/// `Sync`).
///
/// After the sender is dropped, or its process dies, the receiver gets the remaining messages and
/// then `Disconnected`. A new sender opened from the [channel](Channel) continues after the last
/// message.
pub struct Sender<T: Message> {
    core: Core<Writer<T::Wire>>,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Sender<T> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        let slots = region.data_area().slot_array(0, region.config().capacity)?;
        // SAFETY: because `endpoint` keeps the region mapped, and the region contains the control
        // block.
        let writer = unsafe { Writer::resume(slots, region.control(0)) };
        let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Sender { core: Core::new(writer, NoRecovery, endpoint), _type: PhantomData })
    }

    /// Opens the channel of this name, and its sending endpoint.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and
    /// [`InUse`](crate::ErrorKind::InUse) if another sender exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.sender()
    }

    /// Takes over the endpoint that was [converted](Sender::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not such an
    /// endpoint; [`InUse`](crate::ErrorKind::InUse) if it was closed in the meantime and another
    /// sender was opened. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Spsc<T>>(fd, |_| LEASES.senders, "open sender")?;
        Sender::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "space");

    /// Returns the number of messages that were sent and not yet received.
    ///
    /// The receiver may take some at any time, so the number may be too large when this returns.
    pub fn len(&self) -> usize {
        self.core.ring.len()
    }

    /// Returns whether every message that was sent has been received. The result may be stale, as
    /// that of [`len`](Sender::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the channel has no space for another message. The result may be stale, as
    /// that of [`len`](Sender::len).
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Sends a message, blocking while the channel is full.
    ///
    /// When it returns without an error, the message is in the channel, even if this process dies.
    ///
    /// # Errors
    ///
    /// Fails with [`Disconnected`](crate::ErrorKind::Disconnected) if the receiver has left;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state is invalid.
    /// The error returns the message.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.core.send(message, Forever)
    }

    /// [`send`](Sender::send) that fails with [`Full`](crate::ErrorKind::Full) instead of blocking.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.core.send(message, Never)
    }

    /// [`send`](Sender::send) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if the
    /// channel stays full for `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.core.send(message, Within(timeout))
    }

    /// Sends all messages, blocking while the channel is full. This is cheaper than one call for
    /// each.
    ///
    /// # Errors
    ///
    /// As for [`send`](Sender::send). The error contains the number of sent messages, counted from
    /// the first.
    pub fn send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.core.send_all(messages, Forever)
    }

    /// [`send_all`](Sender::send_all) that sends what fits, and fails with
    /// [`Full`](crate::ErrorKind::Full) if that is not the whole batch.
    pub fn try_send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.core.send_all(messages, Never)
    }

    /// [`send_all`](Sender::send_all) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if
    /// not all messages could be sent within `timeout`.
    pub fn send_all_timeout(&mut self, messages: &[T], timeout: Duration) -> Result<(), SendAllError> {
        self.core.send_all(messages, Within(timeout))
    }

    /// Returns the next slot, for writing a message in place. Blocks while the channel is full.
    ///
    /// [`commit`](Loan::commit) sends the message.
    ///
    /// ```
    /// use ipcraft::channel::spsc;
    ///
    /// let (mut sender, mut receiver) = spsc::channel::<[u8; 4096]>(4)?;
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
    /// As for [`send`](Sender::send).
    pub fn loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_with(Forever)
    }

    /// [`loan`](Sender::loan) that fails with [`Full`](crate::ErrorKind::Full) instead of blocking.
    pub fn try_loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_with(Never)
    }

    /// [`loan`](Sender::loan) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if the
    /// channel stays full for `timeout`.
    pub fn loan_timeout(&mut self, timeout: Duration) -> Result<Loan<'_, T>> {
        self.loan_with(Within(timeout))
    }

    fn loan_with(&mut self, patience: impl Patience) -> Result<Loan<'_, T>> {
        self.core.check_peers()?;
        let start = self.core.attempt(patience, Writer::slot_ptr)?;
        Ok(Loan::new(&mut self.core, start))
    }
}

debug_by_endpoint! {
    Sender<T> core.endpoint;
}
