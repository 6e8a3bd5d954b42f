//! One writer, any number of readers, and only the newest value.
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
//! Use it for state of which only the present value matters: a sensor reading, a configuration, a
//! price. If each message counts, use [`broadcast`](super::broadcast).
//!
//! The writer [stores](Writer::store) without blocking, and needs no reader. A reader
//! [loads](Reader::load) the newest value at any time, or blocks until it has
//! [changed](Reader::changed). Each value has a version: the number of values that were stored, up
//! to this one. A reader may skip versions.
//!
//! A loaded value is always whole. The channel has several slots, which the writer uses in turn. If
//! a value is overwritten while a reader copies it, the reader takes the next one. That happens
//! only after the writer has used all other [slots](super::Options::capacity); the default is 4.
//!
//! # Joining, leaving, dying
//!
//! The value stays when the writer leaves or dies. A writer that is killed during a store leaves
//! the value before it, or the new one. The next writer continues the versions. `changed` returns
//! [`Disconnected`](crate::ErrorKind::Disconnected) when the writer is gone. Readers come and go
//! without affecting others. Up to 127 readers may be connected at a time.
//!
//! A child made by `fork(2)` must not use its copies of endpoints, and may drop them. While it
//! keeps them, they count as connected. After `execve(2)` they are closed, unless they were [handed
//! over](Reader::into_fd).
//!
//! One thread at a time may use an endpoint:
//!
//! ```compile_fail,E0277
//! let (writer, _reader) = ipcraft::channel::latest::channel::<u64>().unwrap();
//! std::thread::scope(|scope| scope.spawn(|| writer.version()).join());
//! ```
//!
//! # Memory
//!
//! 2 KiB and the slots. A slot takes the size of a value plus 8 bytes. The sum is rounded up to a
//! power of two up to 64 bytes, and otherwise to 8 bytes. A value of more than 256 bytes takes
//! whole cache lines of 64 bytes and one more.

mod loan;
mod reader;
mod writer;

pub use loan::{Loan, View};
pub use reader::{Iter, Reader, Snapshot};
pub use writer::Writer;

use std::marker::PhantomData;
use std::os::fd::AsFd;

use crate::channel::Message;
use crate::channel::endpoint::LeaseRanges;
use crate::channel::endpoint::lease::Lease;
use crate::channel::kind::{Kind, Sealed};
use crate::channel::ring::seqlock;
use crate::channel::shared::header::{Config, MAX_ENDPOINTS};
use crate::channel::shared::region::DataArea;
use crate::channel::shared::sequenced_slots::{SequencedSlots, SlotLayout};
use crate::error::Result;
use crate::shm::SharedLayout;

/// The kind of channel that has one writer, and the newest value for many readers.
#[derive(Debug)]
pub struct Latest<T>(PhantomData<fn(T) -> T>);

/// A channel whose ends can be taken.
pub type Channel<T> = super::Channel<Latest<T>>;

/// How to make a channel, and what one that is opened has to be like.
pub type Options<T> = super::Options<Latest<T>>;

/// Makes a channel without a name and takes its writer and one reader; more come by
/// [`Writer::reader`].
///
/// # Errors
///
/// [`LimitReached`](crate::ErrorKind::LimitReached) if memory or descriptors are short.
pub fn channel<T: Message>() -> Result<(Writer<T>, Reader<T>)> {
    let channel = Channel::<T>::anonymous()?;
    Ok((channel.writer()?, channel.reader()?))
}

const LEASES: LeaseRanges = LeaseRanges { senders: 0..1, receivers: 1..MAX_ENDPOINTS as u32 };

impl<T: Message> Sealed for Latest<T> {}

#[allow(private_interfaces, reason = "others cannot add kinds, and need not know what one is made of")]
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
    /// Opens the storing endpoint. It continues where the last writer ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if a writer exists in any process.
    pub fn writer(&self) -> Result<Writer<T>> {
        Writer::new(&self.region, Lease::acquire(self.as_fd(), LEASES.senders)?)
    }

    /// Takes an end that loads.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if there are as many as there can be.
    pub fn reader(&self) -> Result<Reader<T>> {
        Reader::new(&self.region, Lease::acquire(self.as_fd(), LEASES.receivers)?)
    }
}

fn slots<T: Message>(data_area: &DataArea<'_>) -> Result<SequencedSlots> {
    let size = size_of::<T::Wire>();
    data_area.sequenced_slots(0, data_area.config.capacity, size)
}
