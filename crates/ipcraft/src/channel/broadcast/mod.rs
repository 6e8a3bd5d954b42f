//! One publisher and any number of subscribers. Each subscriber receives every message.
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
//! Subscribers may join and leave at any time. A subscriber receives the messages that are sent
//! after it has [joined](Channel::subscriber), in order, and no earlier ones.
//!
//! # A slow subscriber
//!
//! The publisher may reach a slot whose message a subscriber has not received. The creator of the
//! channel [chooses](Options::overflow) what happens then:
//!
//! * [`Block`](Overflow::Block), the default: the publisher waits. No subscriber misses a message.
//!   The slowest subscriber limits the rate, even if a debugger has stopped it. A subscriber that
//!   dies no longer blocks the publisher.
//! * [`Overwrite`](Overflow::Overwrite): the publisher never waits. The subscriber's next call
//!   fails once with the exact [number of messages](RecvError::Lagged) that it missed. It then
//!   continues with the newer half of the messages in the channel.
//!
//! # Connection and death
//!
//! Before the first subscriber joins, messages are discarded without an error. After all
//! subscribers have left or died, sending fails with
//! [`Disconnected`](crate::ErrorKind::Disconnected), until another subscriber joins. The error
//! returns the message.
//!
//! After the publisher has left or died, subscribers receive what it sent, and then fail with
//! `Disconnected`. The next publisher continues after the last message that was sent. A message
//! that a publisher was sending when it was killed is received whole or not at all.
//!
//! A message that a subscriber was receiving when it was killed is lost. So are the messages that
//! it had not received. Its successor begins with the next message that is sent. All other
//! subscribers receive every message.
//!
//! A child of `fork(2)` must not use its copies of the endpoints, but may drop them. They count as
//! connected until it does. `execve(2)` closes them, unless they were
//! [passed on](Subscriber::into_fd).
//!
//! Only one thread at a time can use an endpoint:
//!
//! ```compile_fail,E0277
//! let (publisher, _subscriber) = ipcraft::channel::broadcast::channel::<u64>(64).unwrap();
//! std::thread::scope(|scope| scope.spawn(|| publisher.subscriber()).join());
//! ```
//!
//! # Memory
//!
//! A channel takes 3968 bytes, 64 bytes for each possible subscriber, and one slot for each
//! message. A slot holds the message and a word of 8 bytes:
//!
//! * Up to 64 bytes in total, the slot is rounded up to a power of two.
//! * With a message of up to 256 bytes, it is rounded up to a multiple of 8.
//! * A larger message is rounded up to cache lines of 64 bytes, and takes one more line.

pub(crate) mod flags;
mod loan;
mod publisher;
mod subscriber;

pub use super::recv_error::RecvError;
pub use crate::channel::ring::broadcast::Overflow;
pub use loan::{Loan, Received};
pub use publisher::Publisher;
pub use subscriber::{Drain, Iter, Subscriber};

use std::marker::PhantomData;

use crate::channel::ring::cursors::{self, Cursors};

use flags::{MOST, SUBSCRIBERS, subscribers};

use crate::channel::endpoint::LeaseRanges;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::seqlock;
use crate::channel::shared::header::Config;
use crate::channel::shared::region::{DataArea, SharedRegion};
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::channel::{Message, handle};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::SharedLayout;

/// The kind of channel with one publisher and many subscribers.
#[derive(Debug)]
pub struct Broadcast<T>(PhantomData<fn(T) -> T>);

/// A channel of this kind, from which endpoints are opened.
pub type Channel<T> = super::Channel<Broadcast<T>>;

/// Options for creating a channel, and the properties that an opened one must have.
pub type Options<T> = super::Options<Broadcast<T>>;

/// Creates a channel without a name, and opens its publisher and one subscriber.
///
/// [`Publisher::subscriber`] opens more of them.
///
/// # Errors
///
/// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Publisher<T>, Subscriber<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.publisher()?, channel.subscriber()?))
}

impl<T: Message> Sealed for Broadcast<T> {}

#[allow(private_interfaces, reason = "other crates cannot add kinds, and need not see their parts")]
impl<T: Message> Kind for Broadcast<T> {
    const KIND_ID: u64 = 3;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();
    const DEFAULT_FLAGS: u64 = Overflow::Block.bits() | 16;

    fn merge_flags(asked: u64, usual: u64) -> u64 {
        let or = |asked, usual| if asked == 0 { usual } else { asked };
        or(asked & SUBSCRIBERS, usual & SUBSCRIBERS) | or(asked & !SUBSCRIBERS, usual & !SUBSCRIBERS)
    }

    fn describe_flags(flags: u64) -> String {
        match (flags::overflow(flags), subscribers(flags)) {
            (Some(overflow), Some(number)) => format!("Overflow::{overflow:?} with {number} subscribers"),
            _ => flags.to_string(),
        }
    }

    fn check_flags(asked: u64) -> Result<()> {
        if asked & SUBSCRIBERS <= MOST {
            return Ok(());
        }
        let limit = Limit { name: "the maximum of Options::subscribers", value: MOST, requested: None };
        Err(Error::new("create channel", ErrorKind::Invalid).with_limit(Some(limit)))
    }

    fn data_len(config: Config) -> Option<usize> {
        flags::overflow(config.flags)?;
        let cursors = cursors::bytes_for(subscribers(config.flags)?.into());
        SlotLayout::new(Self::SIZE)?.bytes_for(config.capacity)?.checked_add(cursors)
    }

    fn initialize(data_area: &DataArea<'_>) -> Result<()> {
        seqlock::fill(&slots::<T>(data_area)?, data_area.config.initial_position);
        Ok(())
    }
}

impl<T: Message> Options<T> {
    /// Sets what happens when a subscriber is slow: [`Block`](Overflow::Block) by default. A
    /// channel that is opened must have the same setting.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.flags = Some(self.flags.unwrap_or(0) & SUBSCRIBERS | overflow.bits());
        self
    }

    /// Sets how many subscribers may be connected at a time: 16 by default, at most 127. A channel
    /// that is opened must have the same number.
    ///
    /// Each one takes 64 bytes of the channel. A publisher that waits for space reads the cursor of
    /// each.
    pub fn subscribers(mut self, most: usize) -> Self {
        // A number above the limit is refused when the channel is created or opened.
        let number = (most as u64).clamp(1, MOST + 1);
        self.flags = Some(self.flags.unwrap_or(0) & !SUBSCRIBERS | number);
        self
    }
}

impl<T: Message> Channel<T> {
    /// Opens the sending endpoint. It continues after the last message of the previous publisher.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a publisher exists in any process.
    pub fn publisher(&self) -> Result<Publisher<T>> {
        Publisher::new(
            &self.region,
            handle::acquire(&self.region, leases(&self.region).senders, "open publisher")?,
        )
    }

    /// Opens a subscriber. It receives every message that is sent after this returns.
    ///
    /// # Errors
    ///
    /// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if the maximum number is
    /// connected, or with [`InUse`](crate::ErrorKind::InUse) if that maximum is one.
    pub fn subscriber(&self) -> Result<Subscriber<T>> {
        Subscriber::join(&self.region)
    }

    /// Returns what happens when a subscriber is slow.
    pub fn overflow(&self) -> Overflow {
        overflow(&self.region)
    }

    /// Returns how many subscribers may be connected at a time.
    pub fn subscribers(&self) -> usize {
        subscribers(self.region.config().flags).unwrap_or(1) as usize
    }
}

// The flags of an attached region are valid, because `data_len` has accepted them.

pub(crate) fn overflow(region: &SharedRegion) -> Overflow {
    flags::overflow(region.config().flags).unwrap_or(Overflow::Block)
}

pub(crate) fn leases(region: &SharedRegion) -> LeaseRanges {
    let number = subscribers(region.config().flags).unwrap_or(1);
    LeaseRanges { senders: 0..1, receivers: 1..1 + number }
}

fn slots<T: Message>(data_area: &DataArea<'_>) -> Result<SequencedSlots> {
    let size = size_of::<T::Wire>();
    let cursors = cursors::bytes_for(subscribers(data_area.config.flags).unwrap_or(1).into());
    data_area.sequenced_slots(cursors, data_area.config.capacity, size)
}

/// Returns the bytes that the cursors of a region take.
pub(crate) fn cursors_len(region: &SharedRegion) -> usize {
    cursors::bytes_for(subscribers(region.config().flags).unwrap_or(1).into())
}

/// Returns the cursors of a region. The caller keeps the region while they are used.
pub(crate) fn cursors(region: &SharedRegion) -> Result<Cursors> {
    let number = subscribers(region.config().flags).unwrap_or(1);
    Cursors::of(&region.data_area(), number)
}
