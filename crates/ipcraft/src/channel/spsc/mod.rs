//! One sender, one receiver.
//!
//! ```
//! use ipcraft::channel::spsc;
//!
//! let (mut sender, mut receiver) = spsc::channel::<u64>(1024)?;
//! sender.send(7)?;
//! sender.send_all(&[8, 9])?;
//! assert_eq!(receiver.recv()?, 7);
//! let rest: Vec<u64> = receiver.drain().collect::<ipcraft::Result<_>>()?;
//! assert_eq!(rest, [8, 9]);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! This is the fastest kind of channel. All messages have one type, which both sides check when
//! they open the channel. For records of different lengths, use [`bytes`].
//!
//! # What is guaranteed
//!
//! In addition to the [contract](super#contract) of all channels:
//!
//! * After [`send`](Sender::send) has returned, its message stays in the channel until it is
//!   received once. [`send_all`](Sender::send_all) sends a batch in order. The messages for which
//!   it finds space in one step become visible together.
//! * [`recv`](Receiver::recv) frees the slot of the message as its last step. If the process is
//!   killed earlier, the next receiver gets the message.
//! * A message that [`recv_in_place`](Receiver::recv_in_place) holds is not received yet. Neither
//!   is a message taken by a [`drain`](Receiver::drain) that has not freed its slot.
//! * A [loan](Sender::loan) is sent only by [`commit`](Loan::commit).
//!
//! # What it costs
//!
//! * **Memory**: the size of the message, rounded up to 8 bytes, or to 64 bytes above 128.
//! * **Time**: about two dozen instructions to send or to receive. There is no system call while no
//!   endpoint is blocked. One cache line carries a message of up to 48 bytes to a receiver that is
//!   waiting for it.
//! * **Batches** ([`send_all`](Sender::send_all), [`recv_many`](Receiver::recv_many),
//!   [`drain`](Receiver::drain)) cost a fraction of single messages.

pub mod bytes;
mod loan;
mod receiver;
mod sender;

pub use loan::{Loan, Received};
pub use receiver::{Drain, Iter, Receiver};
pub use sender::Sender;

use std::marker::PhantomData;

use crate::channel::endpoint::LeaseRanges;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::shared::header::Config;
use crate::channel::shared::slot_array::SlotArray;
use crate::channel::{Message, handle};
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has one sender and one receiver.
#[derive(Debug)]
pub struct Spsc<T>(PhantomData<fn(T) -> T>);

/// A channel of this kind, from which endpoints are opened.
pub type Channel<T> = super::Channel<Spsc<T>>;

/// Options for creating a channel, and the properties that an opened one must have.
pub type Options<T> = super::Options<Spsc<T>>;

/// Creates a channel without a name, and returns its two endpoints.
///
/// Use [`Sender::into_fd`] or [`Receiver::into_fd`] to pass one of them to another process.
///
/// # Errors
///
/// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.sender()?, channel.receiver()?))
}

pub(crate) const LEASES: LeaseRanges = LeaseRanges { senders: 0..1, receivers: 1..2 };

impl<T: Message> Sealed for Spsc<T> {}

#[allow(private_interfaces, reason = "other crates cannot add kinds, and need not see their parts")]
impl<T: Message> Kind for Spsc<T> {
    const KIND_ID: u64 = 1;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();

    fn data_len(config: Config) -> Option<usize> {
        SlotArray::<T::Wire>::bytes_for(config.capacity)
    }
}

impl<T: Message> Channel<T> {
    /// Opens the sending endpoint. It continues after the last message of the previous sender.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a sender exists, in any process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel are inconsistent.
    pub fn sender(&self) -> Result<Sender<T>> {
        Sender::new(&self.region, handle::acquire(&self.region, LEASES.senders, "open sender")?)
    }

    /// Opens the receiving endpoint. It continues with the first message that was not received.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a receiver exists, in any process.
    pub fn receiver(&self) -> Result<Receiver<T>> {
        Receiver::new(&self.region, handle::acquire(&self.region, LEASES.receivers, "open receiver")?)
    }
}
