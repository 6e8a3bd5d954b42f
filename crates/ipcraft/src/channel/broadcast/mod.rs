//! One publisher, any number of subscribers, each of which gets every message.
//!
//! ```
//! use ipcraft::channel::broadcast;
//!
//! let channel = broadcast::Channel::<u64>::anonymous()?;
//! let mut publisher = channel.publisher()?;
//! let (mut one, mut two) = (channel.subscriber()?, channel.subscriber()?);
//! publisher.send(7)?;
//! let mut late = channel.subscriber()?;
//! publisher.send(8)?;
//! assert_eq!((one.recv()?, one.recv()?), (7, 8));
//! assert_eq!((two.recv()?, two.recv()?), (7, 8));
//! assert_eq!(late.recv()?, 8);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! Subscribers join and leave at any time. Each gets the messages that are sent after it
//! [joined](Channel::subscriber), in order.
//!
//! # Slow subscribers
//!
//! The creator of the channel [decides](Options::overflow) what happens when the next slot holds a
//! message that a subscriber has not received:
//!
//! * [`Block`](Overflow::Block), the default: the publisher waits. No subscriber misses a message,
//!   and the slowest one sets the pace, even if it is stopped by a debugger. A dead subscriber does
//!   not block.
//! * [`Overwrite`](Overflow::Overwrite): the publisher never waits. The subscriber learns once [how
//!   many messages](RecvError::Lagged) it missed, and continues with the newer half of the channel.
//!
//! # Joining, leaving, dying
//!
//! With no subscriber yet, messages are discarded without an error. After the last subscriber left
//! or died, `send` fails with [`Disconnected`](crate::ErrorKind::Disconnected) and returns the
//! message, until another one joins.
//!
//! After the publisher left or died, subscribers get the remaining messages and then
//! `Disconnected`. The next publisher continues after the last message. A message that it was
//! sending when it was killed is received whole or not at all.
//!
//! If a subscriber is killed, the messages that it was receiving or had not received are lost with
//! it. Its successor begins with the next message that is sent. Other subscribers are not affected.
//!
//! A child made by `fork(2)` must not use its copies of endpoints, and may drop them. While it
//! keeps them, they count as connected. After `execve(2)` they are closed, unless they were [handed
//! over](Subscriber::into_fd).
//!
//! One thread at a time may use an endpoint:
//!
//! ```compile_fail,E0277
//! let (publisher, _subscriber) = ipcraft::channel::broadcast::channel::<u64>(64).unwrap();
//! std::thread::scope(|scope| scope.spawn(|| publisher.subscriber()).join());
//! ```
//!
//! # Memory
//!
//! 2 KiB, 64 bytes for each possible subscriber, and a slot for each message. A slot has the size
//! of a message plus 8 bytes. The sum is rounded up to a power of two up to 64 bytes, and otherwise
//! to 8 bytes. A message of more than 256 bytes takes whole cache lines of 64 bytes and one more.

mod loan;
mod publisher;
mod subscriber;

pub use super::recv_error::RecvError;
pub use crate::channel::ring::broadcast::Overflow;
pub use loan::{Loan, Received};
pub use publisher::Publisher;
pub use subscriber::{Drain, Iter, Subscriber};

use std::marker::PhantomData;
use std::os::fd::AsFd;

use crate::channel::ring::cursors::{self, Cursors};

use crate::channel::Message;
use crate::channel::endpoint::LeaseRanges;
use crate::channel::endpoint::lease::Lease;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::seqlock;
use crate::channel::shared::header::{Config, MAX_ENDPOINTS};
use crate::channel::shared::region::{DataArea, SharedRegion};
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has one publisher and many subscribers.
#[derive(Debug)]
pub struct Broadcast<T>(PhantomData<fn(T) -> T>);

/// A channel whose ends can be taken.
pub type Channel<T> = super::Channel<Broadcast<T>>;

/// How to make a channel, and what one that is opened has to be like.
pub type Options<T> = super::Options<Broadcast<T>>;

/// Makes a channel without a name and takes its publisher and one subscriber; more come by
/// [`Publisher::subscriber`].
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Publisher<T>, Subscriber<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.publisher()?, channel.subscriber()?))
}

/// What the creator decides, in one word: how many subscribers there can be, and from this bit on
/// what happens on overflow.
const OVERFLOW: u32 = 8;

/// The number of subscribers within that word.
const SUBSCRIBERS: u64 = (1 << OVERFLOW) - 1;

/// Most subscribers that a channel can have: its leases less that of the publisher.
const MOST: u64 = MAX_ENDPOINTS as u64 - 1;

impl Overflow {
    /// Zero stands for no choice.
    const fn bits(self) -> u64 {
        match self {
            Overflow::Block => 1 << OVERFLOW,
            Overflow::Overwrite => 2 << OVERFLOW,
        }
    }

    fn of(flags: u64) -> Option<Overflow> {
        [Overflow::Block, Overflow::Overwrite].into_iter().find(|o| o.bits() == flags & !SUBSCRIBERS)
    }
}

fn subscribers(flags: u64) -> Option<u32> {
    let number = flags & SUBSCRIBERS;
    (1..=MOST).contains(&number).then_some(number as u32)
}

impl<T: Message> Sealed for Broadcast<T> {}

#[allow(private_interfaces, reason = "others cannot add kinds, and need not know what one is made of")]
impl<T: Message> Kind for Broadcast<T> {
    const KIND_ID: u64 = 3;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();
    const DEFAULT_FLAGS: u64 = Overflow::Block.bits() | 16;

    fn merge_flags(asked: u64, usual: u64) -> u64 {
        let or = |asked, usual| if asked == 0 { usual } else { asked };
        or(asked & SUBSCRIBERS, usual & SUBSCRIBERS) | or(asked & !SUBSCRIBERS, usual & !SUBSCRIBERS)
    }

    fn data_len(config: Config) -> Option<usize> {
        Overflow::of(config.flags)?;
        let cursors = cursors::bytes_for(subscribers(config.flags)?.into());
        SlotLayout::new(Self::SIZE)?.bytes_for(config.capacity)?.checked_add(cursors)
    }

    fn initialize(data_area: &DataArea<'_>) -> Result<()> {
        seqlock::fill(&slots::<T>(data_area)?, data_area.config.initial_position);
        Ok(())
    }
}

impl<T: Message> Options<T> {
    /// Sets what happens to a slow subscriber; the default is [`Block`](Overflow::Block). An
    /// opened channel must have the same setting.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.flags = Some(self.flags.unwrap_or(0) & SUBSCRIBERS | overflow.bits());
        self
    }

    /// Sets the number of subscribers that may be connected at a time; the default is 16, the
    /// maximum 127. An opened channel must have the same setting.
    ///
    /// Each takes 64 bytes of the channel, and time of a publisher that polls for space.
    pub fn subscribers(mut self, most: usize) -> Self {
        // One too many is refused when the channel is made.
        let number = (most as u64).clamp(1, MOST + 1);
        self.flags = Some(self.flags.unwrap_or(0) & !SUBSCRIBERS | number);
        self
    }
}

impl<T: Message> Channel<T> {
    /// Opens the sending endpoint. It continues where the last publisher ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if a publisher exists in any process.
    pub fn publisher(&self) -> Result<Publisher<T>> {
        Publisher::new(&self.region, Lease::acquire(self.as_fd(), leases(&self.region).senders)?)
    }

    /// Comes as a subscriber: everything that is sent after this has returned is for it too.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if there are as many as there can be; if
    /// that is one, [`InUse`](crate::ErrorKind::InUse).
    pub fn subscriber(&self) -> Result<Subscriber<T>> {
        Subscriber::join(&self.region)
    }

    /// What happens to a slow subscriber.
    pub fn overflow(&self) -> Overflow {
        overflow(&self.region)
    }

    /// How many subscribers there can be at a time.
    pub fn subscribers(&self) -> usize {
        subscribers(self.region.config().flags).unwrap_or(1) as usize
    }
}

// The variant of a region that was attached is one of which `room` knew the size.

fn overflow(region: &SharedRegion) -> Overflow {
    Overflow::of(region.config().flags).unwrap_or(Overflow::Block)
}

fn leases(region: &SharedRegion) -> LeaseRanges {
    let number = subscribers(region.config().flags).unwrap_or(1);
    LeaseRanges { senders: 0..1, receivers: 1..1 + number }
}

fn slots<T: Message>(data_area: &DataArea<'_>) -> Result<SequencedSlots> {
    let size = size_of::<T::Wire>();
    let cursors = cursors::bytes_for(subscribers(data_area.config.flags).unwrap_or(1).into());
    data_area.sequenced_slots(cursors, data_area.config.capacity, size)
}

/// The cursors of a region, which keeps them.
fn cursors(region: &SharedRegion) -> Result<Cursors> {
    let number = subscribers(region.config().flags).unwrap_or(1);
    Cursors::of(&region.data_area(), number)
}
