//! One sender, one receiver, records of variable length.
//!
//! A record has from 0 bytes to [half of the capacity less 64 bytes](Channel::max_message_len). For
//! messages of one type, use the [typed channel](super), which stores no lengths.
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
//! # Capacity
//!
//! The capacity counts bytes. A record takes its length, rounded up to 8 bytes, and a header of 8
//! bytes. A record longer than 256 bytes starts at a cache line, so its header takes up to 64
//! bytes. A record never wraps around the end of the ring, so the bytes before the end may stay
//! unused. That is why a record has at most about half of the capacity.
//!
//! The sender writes all of the memory before it reuses the start. If the memory fits into a cache
//! that the two cores share, copying runs at the speed of that cache. Otherwise it runs at the
//! speed of main memory. Space for two to four of the largest records lets both sides work
//! concurrently.
//!
//! # What is guaranteed
//!
//! The guarantees are those of the [typed channel](super):
//!
//! * After [`send`](Sender::send) has returned, its record stays in the channel until it is
//!   received once, even if a process dies.
//! * If the sender dies during a call, no part of the record is in the channel.
//! * If the receiver dies during a call, either the record was received, or the next receiver gets
//!   it.
//! * Each record starts with a checked header. If a peer overwrites the header, receiving fails
//!   with [`Corrupted`](crate::ErrorKind::Corrupted), unless the new bytes pass the check. Then the
//!   receiver gets a wrong record of an allowed length. It never accesses memory outside the ring.

mod loan;
mod receiver;
mod sender;
mod taken;

pub use loan::{Loan, Received};
pub use receiver::{Iter, Receiver};
pub use sender::Sender;

use crate::channel::handle;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::record;
use crate::channel::shared::header::Config;
use crate::channel::shared::region::SharedRegion;
use crate::channel::shared::slot_array::SlotArray;
use crate::channel::spsc::LEASES;
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has one sender and one receiver, and carries records of variable
/// length.
#[derive(Debug)]
pub struct Bytes(());

/// A channel of this kind, from which endpoints are opened.
pub type Channel = crate::channel::Channel<Bytes>;

/// Options for creating a channel, and the properties that an opened one must have.
pub type Options = crate::channel::Options<Bytes>;

/// Creates a channel without a name, and returns its two endpoints. The capacity in bytes is
/// rounded up to a power of two.
///
/// Use [`Sender::into_fd`] or [`Receiver::into_fd`] to pass one of them to another process.
///
/// # Errors
///
/// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel(capacity: usize) -> Result<(Sender, Receiver)> {
    let channel = Options::new().capacity(capacity).anonymous()?;
    Ok((channel.sender()?, channel.receiver()?))
}

impl Sealed for Bytes {}

#[allow(private_interfaces, reason = "other crates cannot add kinds, and need not see their parts")]
impl Kind for Bytes {
    const KIND_ID: u64 = 5;
    const LAYOUT: SharedLayout = SharedLayout::primitive("bytes");
    const SIZE: usize = 0;
    const MIN_CAPACITY: u64 = 256;
    const DEFAULT_CAPACITY: u64 = 1 << 16;

    fn data_len(config: Config) -> Option<usize> {
        // The header of an opened channel may contain any values.
        let room = usize::try_from(config.capacity).ok()?;
        (config.capacity >= Self::MIN_CAPACITY && room <= isize::MAX as usize).then_some(room)
    }
}

impl Channel {
    /// Opens the sending endpoint. It continues after the last record of the previous sender.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a sender exists, in any process;
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the positions in the channel are inconsistent.
    pub fn sender(&self) -> Result<Sender> {
        Sender::new(&self.region, handle::acquire(&self.region, LEASES.senders, "open sender")?)
    }

    /// Opens the receiving endpoint. It continues with the first record that was not received.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a receiver exists, in any process.
    pub fn receiver(&self) -> Result<Receiver> {
        Receiver::new(&self.region, handle::acquire(&self.region, LEASES.receivers, "open receiver")?)
    }

    /// Returns the largest length of a record in bytes. It is half of the capacity less 64, and at
    /// most 2 GiB.
    pub fn max_message_len(&self) -> usize {
        record::max_message_len(words(self.region.config()))
    }
}

fn words(config: Config) -> u64 {
    config.capacity / record::WORD as u64
}

/// Returns the ring as slots of one word each.
fn slots(region: &SharedRegion) -> Result<SlotArray<u64>> {
    region.data_area().slot_array(0, words(region.config()))
}
