//! One publisher, any number of subscribers, of whom each gets every message.
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
//! Subscribers come and go. Each gets what is sent after it has [join](Channel::subscriber), in order, and nothing from
//! before.
//!
//! # A slow subscriber
//!
//! Whoever makes the channel [decides](Options::overflow) what happens when the publisher comes round to a message that a
//! subscriber has not received yet:
//!
//! * [`Block`](Overflow::Block), which is usual: the publisher waits. Nobody misses anything, and the slowest subscriber
//!   sets the pace, also one that has been stopped by a debugger. One that dies holds nobody back.
//! * [`Overwrite`](Overflow::Overwrite): the publisher never waits. The subscriber is told exactly
//!   [how many messages](RecvError::Lagged) it missed, once, and goes on with the newer half of what is there.
//!
//! # Who is there
//!
//! Before the first subscriber comes, messages go nowhere, and that is no error. When all who were there have left or died,
//! it is: the message comes back as [`Disconnected`](crate::ErrorKind::Disconnected), until somebody comes again.
//!
//! When the publisher leaves or dies, subscribers get what it sent and then `Disconnected`; the next publisher goes on after
//! the last message that was sent. A message that it was sending when it was killed is received whole or not at all.
//!
//! A message that a subscriber was receiving when it was killed is lost with it, and so is what it had still before it:
//! whoever takes its place begins with what is sent then. All others get theirs.
//!
//! A child of fork(2) must not use the ends that it has copies of, and may drop them; while it has them, they count as there.
//! After exec(2) they are gone, but for those that were [given](Subscriber::into_fd) on.
//!
//! An end is used by one thread at a time:
//!
//! ```compile_fail,E0277
//! let (publisher, _subscriber) = ipcraft::channel::broadcast::channel::<u64>(64).unwrap();
//! std::thread::scope(|scope| scope.spawn(|| publisher.subscriber()).join());
//! ```
//!
//! # Memory
//!
//! 2 KiB, 64 bytes for each subscriber that there can be, and a place for each message: its size and 8 bytes for a number,
//! rounded up to a power of two where 64 are enough, and else to a multiple of 8. A message of more than 256 bytes takes
//! whole lines of 64, and one more.

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

/// Makes a channel without a name and takes its publisher and one subscriber; more come by [`Publisher::subscriber`].
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>(capacity: usize) -> Result<(Publisher<T>, Subscriber<T>)> {
    let channel = Options::<T>::new().capacity(capacity).anonymous()?;
    Ok((channel.publisher()?, channel.subscriber()?))
}

/// What the creator decides, in one word: how many subscribers there can be, and from this bit on what happens on overflow.
const OVERFLOW: u32 = 8;

/// The number of subscribers within that word.
const SUBSCRIBERS: u64 = (1 << OVERFLOW) - 1;

/// The most subscribers there can be: the seats of a channel less that of the publisher.
const MOST: u64 = MAX_ENDPOINTS as u64 - 1;

impl Overflow {
    /// Zero says nothing.
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
    /// What happens to a slow subscriber: [`Block`](Overflow::Block) if nothing is said. A channel that is opened must
    /// do the same.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.flags = Some(self.flags.unwrap_or(0) & SUBSCRIBERS | overflow.bits());
        self
    }

    /// How many subscribers there can be at a time: 16 if nothing is said, 127 at most. A channel that is opened must have
    /// room for as many.
    ///
    /// Each takes 64 bytes of the channel, and some time of a publisher that looks for room.
    pub fn subscribers(mut self, most: usize) -> Self {
        // One too many is refused when the channel is made.
        let number = (most as u64).clamp(1, MOST + 1);
        self.flags = Some(self.flags.unwrap_or(0) & !SUBSCRIBERS | number);
        self
    }
}

impl<T: Message> Channel<T> {
    /// Takes the end that sends, and goes on where the last publisher ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process.
    pub fn publisher(&self) -> Result<Publisher<T>> {
        Publisher::new(&self.region, Lease::acquire(self.as_fd(), leases(&self.region).senders)?)
    }

    /// Comes as a subscriber: everything that is sent after this has returned is for it too.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if there are as many as there can be; if that is one,
    /// [`InUse`](crate::ErrorKind::InUse).
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
