//! One writer, any number of readers, and always the newest whole value.
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
//! For what matters only as it is now: the reading of a sensor, a configuration, a price. Where each message counts, use
//! [`broadcast`](super::broadcast).
//!
//! The writer [stores](Writer::store) without waiting for anybody, and needs no reader. A reader [loads](Reader::load) what
//! was stored last, as often as it likes, or waits until that has [changed](Reader::changed). Each value has a version: how
//! many have been stored until then. A reader that skips versions has missed nothing that this channel promises.
//!
//! What is loaded is whole, never half of one value and half of the next: the channel has several places, of which the writer
//! uses one after the other, and a reader that finds its value overwritten while it was copied takes the next. For that, the
//! writer has to have been round all [places](super::Options::capacity), of which there are 4 if nothing is said.
//!
//! # Who is there
//!
//! The value stays when the writer leaves or dies; a writer that is killed inside of a store leaves the value before it, or
//! the new one. The next writer goes on with the versions. Readers that wait for a change are told
//! [`Disconnected`](crate::ErrorKind::Disconnected) when the writer is gone, and nothing happens to anybody when a reader
//! is. There can be 127 readers at a time.
//!
//! A child of fork(2) must not use the ends that it has copies of, and may drop them; while it has them, they count as there.
//! After exec(2) they are gone, but for those that were [given](Reader::into_fd) on.
//!
//! An end is used by one thread at a time:
//!
//! ```compile_fail,E0277
//! let (writer, _reader) = ipcraft::channel::latest::channel::<u64>().unwrap();
//! std::thread::scope(|scope| scope.spawn(|| writer.version()).join());
//! ```
//!
//! # Memory
//!
//! 2 KiB and the places, each of the size of a value and 8 bytes for a number, rounded up to a power of two where 64 are
//! enough, and else to a multiple of 8. A value of more than 256 bytes takes whole lines of 64, and one more.

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

/// Makes a channel without a name and takes its writer and one reader; more come by [`Writer::reader`].
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
    /// Takes the end that stores, and goes on where the last writer ended.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse) if somebody has it, in whatever process.
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
