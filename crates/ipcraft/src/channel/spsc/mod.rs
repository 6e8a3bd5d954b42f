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
//! The fastest of the channels. Messages are of one type, which the channel knows and both sides check; for records of
//! different lengths there is [`bytes`].
//!
//! # What can be relied on
//!
//! Besides the [contract](super#contract) of all channels:
//!
//! * A message whose [`send`](Sender::send) has returned is received once, or is still in the channel. A batch is sent
//!   from its first message on: those that [`send_all`](Sender::send_all) found room for at once appear together.
//! * A message is received when [`recv`](Receiver::recv) has made room of it, which is the last thing that it does: if the
//!   process is killed before, the next receiver gets the message. What is held by [`recv_in_place`](Receiver::recv_in_place),
//!   or was taken by a [`drain`](Receiver::drain) that has not ended, is not received yet.
//! * A message that is lent with [`loan`](Sender::loan) is sent by [`commit`](Loan::commit), and by nothing else.
//!
//! # What it costs
//!
//! A message takes its size of memory, rounded up to 8 bytes, and above 128 bytes to whole lines of 64. While nobody sleeps,
//! to send or to receive is about two dozen instructions and no system call. A small message (up to 48 bytes) to a receiver
//! who waits for it is carried by one cache line. Batches ([`send_all`](Sender::send_all),
//! [`recv_many`](Receiver::recv_many), [`drain`](Receiver::drain)) cost a fraction of single messages.

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

#[allow(private_interfaces, reason = "what a kind is made of is nobody else's business")]
impl<T: Message> Kind for Spsc<T> {
    const KIND_ID: u64 = 1;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();

    fn data_len(config: Config) -> Option<usize> {
        SlotArray::<T::Wire>::bytes_for(config.capacity)
    }
}

impl<T: Message> Channel<T> {
    /// Takes the sending end, and goes on where the last sender ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel contradict each other.
    pub fn sender(&self) -> Result<Sender<T>> {
        Sender::new(&self.region, Lease::acquire(self.as_fd(), LEASES.senders)?)
    }

    /// Takes the receiving end, and goes on where the last receiver ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process.
    pub fn receiver(&self) -> Result<Receiver<T>> {
        Receiver::new(&self.region, Lease::acquire(self.as_fd(), LEASES.receivers)?)
    }
}
