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
//! This is the fastest kind of channel. All messages have one type, which both sides check. For
//! records of different lengths there is [`bytes`].
//!
//! # Guarantees
//!
//! In addition to the [contract](super#contract) of all channels:
//!
//! * A message whose [`send`](Sender::send) has returned is received once, or is still in the
//!   channel.
//! * The messages of [`send_all`](Sender::send_all) that fit into the channel together appear
//!   together.
//! * [`recv`](Receiver::recv) receives a message by freeing its slot, which is its last step. If
//!   the process is killed before, the next receiver gets the message.
//! * A message held by [`recv_in_place`](Receiver::recv_in_place), or taken by a
//!   [`drain`](Receiver::drain) that has not ended, is not received yet.
//! * A message that is written through a [`loan`](Sender::loan) is sent only by
//!   [`commit`](Loan::commit).
//!
//! # Cost
//!
//! A slot has the size of a message, rounded up to 8 bytes, and above 128 bytes to cache lines of
//! 64. While no endpoint is blocked, sending takes 26 instructions and no system call. A small
//! message (up to 48 bytes) to a waiting receiver travels in one cache line. Batches
//! ([`send_all`](Sender::send_all), [`recv_many`](Receiver::recv_many), [`drain`](Receiver::drain))
//! cost a fraction of single messages.

pub mod bytes;
mod loan;
mod receiver;
mod sender;

pub use loan::{Loan, Received};
pub use receiver::{Drain, Iter, Receiver};
pub use sender::Sender;

use std::marker::PhantomData;
use std::os::fd::AsFd;

use crate::channel::Message;
use crate::channel::endpoint::LeaseRanges;
use crate::channel::endpoint::lease::Lease;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::shared::header::Config;
use crate::channel::shared::slot_array::SlotArray;
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has one sender and one receiver.
#[derive(Debug)]
pub struct Spsc<T>(PhantomData<fn(T) -> T>);

/// A channel whose ends can be taken.
pub type Channel<T> = super::Channel<Spsc<T>>;

/// How to make a channel, and what one that is opened has to be like.
pub type Options<T> = super::Options<Spsc<T>>;

/// Makes a channel without a name and takes both of its ends, one of which is then given away:
/// [`Sender::into_fd`], [`Receiver::into_fd`].
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.sender()?, channel.receiver()?))
}

const LEASES: LeaseRanges = LeaseRanges { senders: 0..1, receivers: 1..2 };

impl<T: Message> Sealed for Spsc<T> {}

#[allow(private_interfaces, reason = "others need not know what a kind is made of")]
impl<T: Message> Kind for Spsc<T> {
    const KIND_ID: u64 = 1;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();

    fn data_len(config: Config) -> Option<usize> {
        SlotArray::<T::Wire>::bytes_for(config.capacity)
    }
}

impl<T: Message> Channel<T> {
    /// Opens the sending endpoint. It continues where the last sender ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if a sender exists in any process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel are invalid.
    pub fn sender(&self) -> Result<Sender<T>> {
        Sender::new(&self.region, Lease::acquire(self.as_fd(), LEASES.senders)?)
    }

    /// Opens the receiving endpoint. It continues where the last receiver ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if a receiver exists in any process.
    pub fn receiver(&self) -> Result<Receiver<T>> {
        Receiver::new(&self.region, Lease::acquire(self.as_fd(), LEASES.receivers)?)
    }
}
