//! One sender, one receiver, and records of any length up to about half of the capacity.
//!
//! For messages of one type there is the [typed channel](super), which needs no lengths. Here the
//! capacity counts bytes. Each record takes 8 bytes more than its length, or up to 64 if it is
//! longer than 256. A record does not wrap around the end of the ring, so the space of up to one
//! record may stay unused there. Therefore a record has at most [half of the capacity less 64
//! bytes](Channel::max_message_len).
//!
//! ```
//! use ipcraft::channel::spsc::bytes;
//!
//! let (mut sender, mut receiver) = bytes::channel(4096)?;
//! sender.send(b"a line")?;
//! sender.send(b"")?;
//! let mut line = Vec::new();
//! assert_eq!(receiver.recv(&mut line)?, 6);
//! assert_eq!(line, b"a line");
//! assert_eq!(receiver.recv(&mut line)?, 0);
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Choosing the capacity
//!
//! A sender uses all of the memory before it returns to the start. If the memory fits into a cache
//! that both cores share, records are copied at the speed of that cache, and otherwise at that of
//! main memory. Space for two to four of the largest records lets both sides work at the same time.
//!
//! # Guarantees
//!
//! Those of the [typed channel](super) hold here. A record whose [`send`](Sender::send) has
//! returned is received once, or is still in the channel; of a record that was being sent, nothing
//! is. If a receiver dies, either it has received a record, or its successor gets it. Each record
//! starts with a checksum, which detects bytes that a peer wrote at random: receiving then fails
//! with [`Corrupted`](crate::ErrorKind::Corrupted), and never accesses memory elsewhere.

mod loan;
mod receiver;
mod sender;

pub use loan::{Loan, Received};
pub use receiver::{Iter, Receiver};
pub use sender::Sender;

use std::os::fd::AsFd;

use crate::channel::endpoint::lease::Lease;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::record;
use crate::channel::shared::header::Config;
use crate::channel::shared::region::SharedRegion;
use crate::channel::shared::slot_array::SlotArray;
use crate::channel::spsc::LEASES;
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has one sender and one receiver of records of any length.
#[derive(Debug)]
pub struct Bytes(());

/// A channel whose ends can be taken.
pub type Channel = crate::channel::Channel<Bytes>;

/// How to make a channel, and what one that is opened has to be like.
pub type Options = crate::channel::Options<Bytes>;

/// Creates an anonymous channel of this many bytes, rounded up to a power of two, and opens both
/// endpoints. One of them is usually handed over: [`Sender::into_fd`], [`Receiver::into_fd`].
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel(capacity: usize) -> Result<(Sender, Receiver)> {
    let channel = Options::new().capacity(capacity).anonymous()?;
    Ok((channel.sender()?, channel.receiver()?))
}

impl Sealed for Bytes {}

#[allow(private_interfaces, reason = "others need not know what a kind is made of")]
impl Kind for Bytes {
    const KIND_ID: u64 = 5;
    const LAYOUT: SharedLayout = SharedLayout::new("bytes", &[]);
    const SIZE: usize = 0;
    const MIN_CAPACITY: u64 = 256;
    const DEFAULT_CAPACITY: u64 = 1 << 16;

    fn data_len(config: Config) -> Option<usize> {
        // The header of a peer can contain any capacity.
        let room = usize::try_from(config.capacity).ok()?;
        (config.capacity >= Self::MIN_CAPACITY && room <= isize::MAX as usize).then_some(room)
    }
}

impl Channel {
    /// Opens the sending endpoint. It continues where the last sender ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if a sender exists in any process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel are invalid.
    pub fn sender(&self) -> Result<Sender> {
        Sender::new(&self.region, Lease::acquire(self.as_fd(), LEASES.senders)?)
    }

    /// Opens the receiving endpoint. It continues where the last receiver ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if a receiver exists in any process.
    pub fn receiver(&self) -> Result<Receiver> {
        Receiver::new(&self.region, Lease::acquire(self.as_fd(), LEASES.receivers)?)
    }

    /// How many bytes a record can have: half of the capacity less 64, and never more than 2 GiB.
    pub fn max_message_len(&self) -> usize {
        record::max_message_len(words(self.region.config()))
    }
}

fn words(config: Config) -> u64 {
    config.capacity / record::WORD as u64
}

/// A slot for each word.
fn slots(region: &SharedRegion) -> Result<SlotArray<u64>> {
    region.data_area().slot_array(0, words(region.config()))
}
