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
//! Use it to spread work over several processes, or to collect from several. For one sender and one receiver,
//! [`spsc`](super::spsc) is faster; where everybody is to get every message, this is the wrong kind.
//!
//! # What is guaranteed
//!
//! * There is room for 64 senders and 64 receivers at a time, which come and go as they like. What one sender sends is
//!   taken in that order; what several send is mixed.
//! * A message whose `send` returned is in the channel until one receiver has it: exactly once, as long as nobody dies.
//! * What a process was sending when it died is there as a whole or not at all.
//! * What a process was receiving when it died goes to another receiver, out of order. So
//!   [`recv`](Receiver::recv) returns each message once. A message that is held by
//!   [`recv_in_place`](Receiver::recv_in_place) while the job is done counts as being received: the job is then done at
//!   least once, and whatever the dead one had done of it is done again.
//! * The dead are found by whoever waits, within a quarter of a second, and by senders as often while they send. The same
//!   holds for what they had in their hands. A place that a dead process had becomes free for the next.
//! * Receivers whose senders are all gone end after the last message, even if another receiver still holds one. Should
//!   that one die, its message stays for the next receiver: who wants every job done keeps a sender until the workers
//!   have ended, or looks once more after they have.
//!
//! * An end is whoever has its descriptor. A child made by fork(2) has a copy of it, and must not use the end; while it
//!   keeps it, the end counts as alive. An end is gone after execve(2), unless it was [handed on](Sender::into_fd).
//!
//! An end is used by one thread at a time:
//!
//! ```compile_fail,E0277
//! fn share<T: Sync>() {}
//! share::<ipcraft::channel::mpmc::Sender<u64>>();
//! ```
//!
//! # What it costs
//!
//! The positions are claimed in order, and so one who is slow in the middle of it holds others back: a [`Loan`] what is
//! sent after it, and a message held by [`recv_in_place`](Receiver::recv_in_place) those who want to send, when they come
//! round to its place. Make the capacity larger than what is sent during the longest job.
//!
//! The memory is 2 KiB, and for each message its size and 8 bytes: rounded up to a power of two that fits a line of 64
//! bytes, to 8 bytes up to a size of 256, and beyond to lines, and one more for the word. Nothing is allocated for a
//! message.

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
/// [`Sender::into_fd`], [`Receiver::into_fd`]. For more than one of a side, make a [channel](Options::anonymous) and take
/// them from it.
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
    /// Takes one of the sending ends, in addition to those that there are.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if there are 64, in whatever processes;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if what is in the channel cannot be.
    pub fn sender(&self) -> Result<Sender<T>> {
        Sender::new(&self.region, Lease::acquire(self.as_fd(), LEASES.senders)?)
    }

    /// Takes one of the receiving ends, in addition to those that there are.
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
