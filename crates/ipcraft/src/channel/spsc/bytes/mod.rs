//! One sender, one receiver, and records of any length: from no bytes at all to somewhat less than half of the capacity.
//!
//! For messages of one type there is the [typed channel](super), which needs no lengths. Here the capacity counts bytes, of
//! which each record takes eight, up to 64 if it is longer than 256, besides its own. Records do not go round the end of the
//! ring, so at most as much as one record may lie idle there; that is why none is longer than
//! [half of the capacity less 64 bytes](Channel::max_message_len).
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
//! # How large to make it
//!
//! A sender goes through all of the memory before it comes back to the start. If it fits into a cache that the two
//! processors share, copying runs at the speed of that cache; if it does not, at that of memory. Room for two to four of the
//! largest records is enough for both sides to work at once.
//!
//! # What can be relied on
//!
//! What holds for the [typed channel](super) holds here. A record whose [`send`](Sender::send) returned is received once,
//! or is still in the channel, whoever dies; of one that was being sent there is nothing. A receiver that dies has received
//! a record or has not, and then its successor gets it. What a peer writes where it should not is found out by the check
//! that each record begins with, or makes an odd record of no more than the usual length: an error of kind
//! [`Corrupted`](crate::ErrorKind::Corrupted), and never an access elsewhere.

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

/// Makes a channel of so many bytes, rounded up to a power of two, without a name, and takes both of its ends, one of which
/// is then given away: [`Sender::into_fd`], [`Receiver::into_fd`].
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
        // A header can say anything.
        let room = usize::try_from(config.capacity).ok()?;
        (config.capacity >= Self::MIN_CAPACITY && room <= isize::MAX as usize).then_some(room)
    }
}

impl Channel {
    /// Takes the sending end, and goes on where the last sender ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel contradict each other.
    pub fn sender(&self) -> Result<Sender> {
        Sender::new(&self.region, Lease::acquire(self.as_fd(), LEASES.senders)?)
    }

    /// Takes the receiving end, and goes on where the last receiver ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process.
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
