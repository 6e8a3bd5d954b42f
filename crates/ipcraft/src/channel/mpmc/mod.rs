//! A work queue: many senders and many receivers. Each message goes to exactly one receiver.
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
//! Use it to spread work over several processes, or to collect results from several. For one sender
//! and one receiver, [`spsc`](super::spsc) is faster. To deliver every message to every receiver,
//! use [`broadcast`](super::broadcast).
//!
//! # What is guaranteed
//!
//! * **Endpoints.** Up to 64 senders and 64 receivers may be connected at a time. They may join and
//!   leave at any time.
//! * **Order.** Messages of one sender are received in the order in which they were sent. Messages
//!   of several senders are interleaved.
//! * **Once.** A message whose `send` has returned stays in the channel until one receiver takes
//!   it. While no process dies, it is received exactly once.
//! * **A sender dies.** A message that it was sending is received whole or not at all.
//! * **A receiver dies.** A message that it was receiving goes to another receiver, out of order.
//!   So [`recv`](Receiver::recv) returns each message once.
//! * **Jobs.** A message that [`recv_in_place`](Receiver::recv_in_place) holds while its job is
//!   done counts as being received. Such a job is done at least once. If its process dies, another
//!   receiver repeats what was done.
//! * **Detection.** An endpoint notices a death within 250 ms while it is blocked or used. It then
//!   reclaims the messages and slots that the dead process held. The lease becomes free for a new
//!   endpoint.
//! * **The end.** After all senders have left, iteration ends with the last message, even if
//!   another receiver still holds one. If that receiver dies, its message stays for the next
//!   receiver. To have every job done, keep a sender until the workers have ended, or receive once
//!   more after that.
//! * **Fork and exec.** An endpoint belongs to the process that has its descriptor. A child of
//!   `fork(2)` has a copy, and must not use the endpoint. The endpoint counts as connected while
//!   the child keeps the copy. `execve(2)` closes it, unless it was [passed on](Sender::into_fd).
//!
//! Only one thread at a time can use an endpoint:
//!
//! ```compile_fail,E0277
//! fn share<T: Sync>() {}
//! share::<ipcraft::channel::mpmc::Sender<u64>>();
//! ```
//!
//! # What it costs
//!
//! Positions are claimed in order, so a slow endpoint delays others. A [`Loan`] delays all messages
//! that are sent after it. A message that [`recv_in_place`](Receiver::recv_in_place) holds blocks
//! senders that reach its slot. Make the capacity larger than the number of messages sent during
//! the longest job. If a call times out because a process is stopped, [`Sender::holder`] and
//! [`Receiver::holder`] name that process.
//!
//! The channel takes 3968 bytes and one slot for each message. A slot holds the message and a word
//! of 8 bytes:
//!
//! * Up to 64 bytes in total, the slot is rounded up to a power of two.
//! * With a message of up to 256 bytes, it is rounded up to a multiple of 8.
//! * A larger message is rounded up to cache lines of 64 bytes, and takes one more line for the
//!   word.
//!
//! No message needs an allocation.

mod loan;
mod receiver;
mod sender;

pub use loan::{Loan, Received};
pub use receiver::{Drain, Iter, Receiver};
pub use sender::Sender;

use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;

use crate::channel::endpoint::LeaseRanges;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::mpmc::word::{Generations, SlotState, SlotWord};
use crate::channel::shared::header::Config;
use crate::channel::shared::region::{DataArea, SharedRegion};
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::channel::{Message, handle};
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel with many senders and many receivers, and one receiver for each message.
#[derive(Debug)]
pub struct Mpmc<T>(PhantomData<fn(T) -> T>);

/// A channel of this kind, from which endpoints are opened.
pub type Channel<T> = super::Channel<Mpmc<T>>;

/// Options for creating a channel, and the properties that an opened one must have.
pub type Options<T> = super::Options<Mpmc<T>>;

/// Creates a channel without a name, and opens one endpoint of each side.
///
/// Usually one of them is passed to another process: [`Sender::into_fd`], [`Receiver::into_fd`].
/// For several endpoints of one side, create a [channel](Options::anonymous) and open them from it.
///
/// # Errors
///
/// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.sender()?, channel.receiver()?))
}

pub(crate) const LEASES: LeaseRanges = LeaseRanges { senders: 0..64, receivers: 64..128 };

impl<T: Message> Sealed for Mpmc<T> {}

#[allow(private_interfaces, reason = "other crates cannot add kinds, and need not see their parts")]
impl<T: Message> Kind for Mpmc<T> {
    const KIND_ID: u64 = 2;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();

    fn data_len(config: Config) -> Option<usize> {
        SlotLayout::new(Self::SIZE)?.bytes_for(config.capacity)
    }

    /// Marks all slots as free, in the generations of the first positions.
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
    /// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if 64 of them are connected, in
    /// all processes together; with [`Corrupted`](crate::ErrorKind::Corrupted) if the shared state
    /// is invalid.
    pub fn sender(&self) -> Result<Sender<T>> {
        Sender::new(&self.region, handle::acquire(&self.region, LEASES.senders, "open sender")?)
    }

    /// Opens another receiving endpoint.
    ///
    /// # Errors
    ///
    /// As for [`sender`](Channel::sender).
    pub fn receiver(&self) -> Result<Receiver<T>> {
        Receiver::new(&self.region, handle::acquire(&self.region, LEASES.receivers, "open receiver")?)
    }
}

fn slots<T: Message>(region: &SharedRegion) -> Result<SequencedSlots> {
    divide(&region.data_area(), size_of::<T::Wire>())
}

fn divide(data_area: &DataArea<'_>, size: usize) -> Result<SequencedSlots> {
    data_area.sequenced_slots(0, data_area.config.capacity, size)
}
