//! One writer and any number of readers. The channel holds the newest whole value.
//!
//! ```
//! use ipcraft::channel::latest;
//!
//! let (mut writer, mut reader) = latest::channel::<[f64; 3]>()?;
//! writer.store([1.0, 2.0, 3.0]);
//! writer.store([1.5, 2.5, 3.5]);
//! let seen = reader.load()?;
//! assert_eq!((seen.value, seen.version), ([1.5, 2.5, 3.5], 2));
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! Use it for data of which only the current state matters: a sensor reading, a configuration, a
//! price. Where each message counts, use [`broadcast`](super::broadcast).
//!
//! The writer [stores](Writer::store) without waiting, and needs no reader. A reader
//! [loads](Reader::load) the newest value at any time, or waits until it has
//! [changed](Reader::changed). The version of a value is the number of values stored up to it.
//! Readers may skip versions: this channel promises the newest value only.
//!
//! A loaded value is whole, never a mix of two values. The channel has several slots, which the
//! writer uses in turn. A reader whose value was overwritten during the copy loads the next one.
//! This happens only if the writer has used all other [slots](super::Options::capacity) during the
//! copy. The default is 4 slots.
//!
//! # Connection and death
//!
//! The value stays when the writer leaves or dies. A writer that is killed during a store leaves
//! the previous value or the new one. The next writer continues the versions. Readers that wait for
//! a change fail with [`Disconnected`](crate::ErrorKind::Disconnected) when the writer has left. A
//! reader that leaves or dies affects no other endpoint. Up to 127 readers may be connected at a
//! time.
//!
//! A child of `fork(2)` must not use its copies of the endpoints, but may drop them. They count as
//! connected until it does. `execve(2)` closes them, unless they were
//! [passed on](Reader::into_fd).
//!
//! Only one thread at a time can use an endpoint:
//!
//! ```compile_fail,E0277
//! let (writer, _reader) = ipcraft::channel::latest::channel::<u64>().unwrap();
//! std::thread::scope(|scope| scope.spawn(|| writer.version()).join());
//! ```
//!
//! # Memory
//!
//! The channel takes 3968 bytes and the slots. A slot holds the value and a word of 8 bytes:
//!
//! * Up to 64 bytes in total, the slot is rounded up to a power of two.
//! * With a value of up to 256 bytes, it is rounded up to a multiple of 8.
//! * A larger value is rounded up to cache lines of 64 bytes, and takes one more line.

mod loan;
mod reader;
mod writer;

pub use loan::{Loan, View};
pub use reader::{Iter, Reader, Snapshot};
pub use writer::Writer;

use std::marker::PhantomData;

use crate::channel::endpoint::LeaseRanges;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::seqlock;
use crate::channel::shared::header::{Config, MAX_ENDPOINTS};
use crate::channel::shared::region::DataArea;
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::channel::{Message, handle};
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel with one writer, many readers, and the newest value.
#[derive(Debug)]
pub struct Latest<T>(PhantomData<fn(T) -> T>);

/// A channel of this kind, from which endpoints are opened.
pub type Channel<T> = super::Channel<Latest<T>>;

/// Options for creating a channel, and the properties that an opened one must have.
pub type Options<T> = super::Options<Latest<T>>;

/// Creates a channel without a name, and opens its writer and one reader.
///
/// [`Writer::reader`] opens more of them.
///
/// # Errors
///
/// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>() -> Result<(Writer<T>, Reader<T>)> {
    let channel = Channel::<T>::anonymous()?;
    Ok((channel.writer()?, channel.reader()?))
}

pub(crate) const LEASES: LeaseRanges = LeaseRanges { senders: 0..1, receivers: 1..MAX_ENDPOINTS as u32 };

impl<T: Message> Sealed for Latest<T> {}

#[allow(private_interfaces, reason = "other crates cannot add kinds, and need not see their parts")]
impl<T: Message> Kind for Latest<T> {
    const KIND_ID: u64 = 4;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();
    const MIN_CAPACITY: u64 = 4;
    const DEFAULT_CAPACITY: u64 = 4;

    fn data_len(config: Config) -> Option<usize> {
        SlotLayout::new(Self::SIZE)?.bytes_for(config.capacity)
    }

    fn initialize(data_area: &DataArea<'_>) -> Result<()> {
        seqlock::fill(&slots::<T>(data_area)?, data_area.config.initial_position);
        Ok(())
    }
}

impl<T: Message> Channel<T> {
    /// Opens the storing endpoint. It continues the versions of the previous writer.
    ///
    /// # Errors
    ///
    /// Fails with [`InUse`](crate::ErrorKind::InUse) if a writer exists in any process.
    pub fn writer(&self) -> Result<Writer<T>> {
        Writer::new(&self.region, handle::acquire(&self.region, LEASES.senders, "open writer")?)
    }

    /// Opens a loading endpoint.
    ///
    /// # Errors
    ///
    /// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if 127 readers are connected.
    pub fn reader(&self) -> Result<Reader<T>> {
        Reader::new(&self.region, handle::acquire(&self.region, LEASES.receivers, "open reader")?)
    }
}

fn slots<T: Message>(data_area: &DataArea<'_>) -> Result<SequencedSlots> {
    let size = size_of::<T::Wire>();
    data_area.sequenced_slots(0, data_area.config.capacity, size)
}
