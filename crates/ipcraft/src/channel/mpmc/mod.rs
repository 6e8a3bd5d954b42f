//! A work queue: many senders, many receivers, and each message goes to exactly one receiver.
//!
//! ```
//! use ipcraft::channel::mpmc;
//!
//! let channel = mpmc::Options::<u64>::new().capacity(64).anonymous()?;
//! let (mut first, mut second) = (channel.sender()?, channel.sender()?);
//! let mut worker = channel.receiver()?;
//! first.send(1)?;
//! second.send(2)?;
//! drop((first, second));
//! let jobs: Vec<u64> = worker.iter().collect::<ipcraft::Result<_>>()?;
//! assert_eq!(jobs, [1, 2]);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # When to use it, and when not
//!
//! Use it to distribute work over several processes, or to collect from several. For one sender and
//! one receiver, [`spsc`](super::spsc) is faster. To deliver each message to every receiver, use
//! [`broadcast`](super::broadcast).
//!
//! # Guarantees
//!
//! * Up to 64 senders and 64 receivers may be connected at a time, and connect and leave at any
//!   time. The messages of one sender are received in order; those of several senders are
//!   interleaved.
//! * A message whose `send` has returned is received exactly once, as long as no process dies.
//! * A message that a process was sending when it died is received whole or not at all.
//! * A message that a process was receiving when it died goes to another receiver, out of order. So
//!   [`recv`](Receiver::recv) returns each message once. If a job is done while its message is held
//!   by [`recv_in_place`](Receiver::recv_in_place), the job is done at least once.
//! * A blocked endpoint notices within 250 ms that a peer died, and so do senders while they send.
//!   Then the slots that the peer had claimed are reclaimed.
//! * The receivers' iteration ends behind the last message after all senders have left, even if
//!   another receiver still holds a message. If that receiver dies, its message stays for the next
//!   one. To get every job done, keep a sender until all workers have ended, or receive once more
//!   afterwards.
//! * An endpoint belongs to the owner of its descriptor. A child made by `fork(2)` has a copy, and
//!   must not use the endpoint; while it keeps the copy, the endpoint counts as connected. After
//!   `execve(2)` the endpoint is closed, unless it was [handed over](Sender::into_fd).
//!
//! One thread at a time may use an endpoint:
//!
//! ```compile_fail,E0277
//! fn share<T: Sync>() {}
//! share::<ipcraft::channel::mpmc::Sender<u64>>();
//! ```
//!
//! # Cost
//!
//! Slots are claimed in order, so a slow endpoint in the middle blocks others. A [`Loan`] delays
//! the messages behind it. A message held by [`recv_in_place`](Receiver::recv_in_place) blocks
//! senders when they return to its slot. Choose a capacity larger than the number of messages that
//! are sent during the longest job.
//!
//! The memory is 2 KiB, and for each message its size plus 8 bytes. The sum is rounded up to a
//! power of two up to 64 bytes, and to 8 bytes for messages of up to 256 bytes. A larger message
//! takes whole cache lines of 64 bytes and one more. Sending allocates nothing.

mod loan;
mod receiver;
mod sender;

pub use loan::{Loan, Received};
pub use receiver::{Drain, Iter, Receiver};
pub use sender::Sender;

use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;

use crate::channel::Message;
use crate::channel::endpoint::LeaseRanges;
use crate::channel::endpoint::lease::Lease;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::shared::header::Config;
use crate::channel::shared::region::{DataArea, SharedRegion};
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has many senders and many receivers, and hands each message to one.
#[derive(Debug)]
pub struct Mpmc<T>(PhantomData<fn(T) -> T>);

/// A channel whose ends can be taken.
pub type Channel<T> = super::Channel<Mpmc<T>>;

/// How to make a channel, and what one that is opened has to be like.
pub type Options<T> = super::Options<Mpmc<T>>;

/// Makes a channel without a name and takes one end of each side, one of which is then given away:
/// [`Sender::into_fd`], [`Receiver::into_fd`]. For more than one of a side, make a
/// [channel](Options::anonymous) and take them from it.
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.sender()?, channel.receiver()?))
}

const LEASES: LeaseRanges = LeaseRanges { senders: 0..64, receivers: 64..128 };

impl<T: Message> Sealed for Mpmc<T> {}

#[allow(private_interfaces, reason = "others need not know what a kind is made of")]
impl<T: Message> Kind for Mpmc<T> {
    const KIND_ID: u64 = 2;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();

    fn data_len(config: Config) -> Option<usize> {
        SlotLayout::new(Self::SIZE)?.bytes_for(config.capacity)
    }

    /// All slots are free, in the laps of the first positions.
    fn initialize(data_area: &DataArea<'_>) -> Result<()> {
        let Config { capacity, initial_position, .. } = data_area.config;
        if initial_position == 0 {
            return Ok(());
        }
        let slots = divide(data_area, Self::SIZE)?;
        let generations = Generations::new(capacity);
        for position in (0..capacity).map(|i| initial_position.wrapping_add(i)) {
            slots.word(position).store(SlotWord::new(generations.of(position), SlotState::Free).0, Relaxed);
        }
        Ok(())
    }
}

impl<T: Message> Channel<T> {
    /// Opens another sending endpoint.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if 64 senders exist in all processes;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state is invalid.
    pub fn sender(&self) -> Result<Sender<T>> {
        Sender::new(&self.region, Lease::acquire(self.as_fd(), LEASES.senders)?)
    }

    /// Opens another receiving endpoint.
    ///
    /// # Errors
    ///
    /// As for [`sender`](Channel::sender).
    pub fn receiver(&self) -> Result<Receiver<T>> {
        Receiver::new(&self.region, Lease::acquire(self.as_fd(), LEASES.receivers)?)
    }
}

fn slots<T: Message>(region: &SharedRegion) -> Result<SequencedSlots> {
    divide(&region.data_area(), size_of::<T::Wire>())
}

fn divide(data_area: &DataArea<'_>, size: usize) -> Result<SequencedSlots> {
    data_area.sequenced_slots(0, data_area.config.capacity, size)
}
