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

#[cfg(all(test, loom))]
mod model;
mod newest;
mod place;
mod reader;
mod writer;

pub use place::{Loan, View};
pub use reader::{Iter, Reader, Snapshot};
pub use writer::Writer;

use std::marker::PhantomData;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::end::Seating;
use super::kind::{Kind, Sealed};
use super::region::{Parts, Region, SEATS, Shape};
use super::seat::Seat;
use super::slots::{Geometry, Slots};
use super::{Message, seqlock};
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

const SEATING: Seating = Seating { senders: 0..1, receivers: 1..SEATS as u32 };

impl<T: Message> Sealed for Latest<T> {}

#[allow(private_interfaces, reason = "others cannot add kinds, and need not know what one is made of")]
impl<T: Message> Kind for Latest<T> {
    const NUMBER: u64 = 4;
    const LAYOUT: SharedLayout = T::LAYOUT;
    const SIZE: usize = size_of::<T::Wire>();
    const LEAST: u64 = 4;
    const USUAL: u64 = 4;

    fn room(shape: Shape) -> Option<usize> {
        Geometry::new(Self::SIZE)?.room(shape.capacity)
    }

    fn fill(parts: &Parts<'_>) -> Result<()> {
        seqlock::fill(&slots::<T>(parts)?, parts.shape.start);
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
        Writer::new(&self.region, Seat::take(self.as_fd(), SEATING.senders)?)
    }

    /// Takes an end that loads.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if there are as many as there can be.
    pub fn reader(&self) -> Result<Reader<T>> {
        Reader::new(&self.region, Seat::take(self.as_fd(), SEATING.receivers)?)
    }
}

fn slots<T: Message>(parts: &Parts<'_>) -> Result<Slots> {
    let size = size_of::<T::Wire>();
    parts.slots(0, parts.shape.capacity, size)
}

/// The channel of an end that came by its descriptor, and its seat.
fn adopt<T: Message>(fd: OwnedFd, seats: Range<u32>) -> Result<(Arc<Region>, Seat)> {
    let region = Channel::<T>::of_end(fd.as_fd())?.region;
    Ok((region, Seat::adopt(fd, seats)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use std::thread;
    use std::time::Duration;

    const STARTS: [u64; 6] = [0, 1, u32::MAX as u64 - 5, (1 << 62) - 5, u64::MAX / 2 - 5, u64::MAX - 5];

    #[test]
    fn the_newest_value_is_there_with_its_version() {
        for start in STARTS {
            let channel = Options::<u64>::new().initial_position(start).anonymous().unwrap();
            let (mut writer, mut reader) = (channel.writer().unwrap(), channel.reader().unwrap());
            assert_eq!(reader.load().unwrap_err().kind(), ErrorKind::Empty);
            assert_eq!(reader.load_in_place().unwrap_err().kind(), ErrorKind::Empty);
            assert_eq!(reader.try_changed().unwrap_err().kind(), ErrorKind::Empty);
            assert_eq!(writer.version(), 0);
            for version in 1..20 {
                writer.store(version * 3);
                assert_eq!(writer.version(), version);
                let (loaded, again) = (reader.load().unwrap(), reader.load().unwrap());
                assert_eq!((loaded.value, loaded.version), (version * 3, version));
                assert_eq!(loaded, again);
                assert_eq!(reader.load_in_place().unwrap().get().unwrap(), version * 3);
                assert_eq!(reader.version(), version);
            }
        }
    }

    #[test]
    fn a_change_is_told_once() {
        let (mut writer, mut reader) = channel::<u64>().unwrap();
        let mut other = writer.reader().unwrap();
        writer.store(1);
        writer.store(2);
        assert_eq!(reader.changed().unwrap(), Snapshot { value: 2, version: 2 });
        assert_eq!(reader.try_changed().unwrap_err().kind(), ErrorKind::Empty);
        let late = reader.changed_timeout(Duration::from_millis(2)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        assert_eq!(other.load().unwrap().version, 2);
        assert_eq!(other.try_changed().unwrap_err().kind(), ErrorKind::Empty);
        writer.store(3);
        drop(writer);
        assert_eq!(other.iter().map(|seen| seen.unwrap().value).collect::<Vec<_>>(), [3]);
        assert_eq!(reader.try_changed().unwrap().value, 3);
        assert_eq!(reader.changed().unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(reader.try_changed().unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(reader.load().unwrap(), Snapshot { value: 3, version: 3 });
    }

    #[test]
    fn what_is_overwritten_while_it_is_read_in_place_is_an_error() {
        let (mut writer, mut reader) = channel::<u64>().unwrap();
        writer.store(1);
        let view = reader.load_in_place().unwrap();
        for value in 2..5 {
            writer.store(value);
            assert_eq!((view.get().unwrap(), view.version(), view.len()), (1, 1, 8));
        }
        let mut loan = writer.loan();
        loan.set(&5);
        for error in [view.get().map(drop), view.check(), view.read_at(0, &mut [0; 8])] {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Lagged);
        }
        assert_eq!(reader.load().unwrap().value, 4);
        loan.commit();
        assert_eq!(reader.load().unwrap().value, 5);
        drop(writer.loan());
        assert_eq!(reader.load().unwrap(), Snapshot { value: 5, version: 5 });
    }

    #[test]
    fn a_writer_goes_on_with_the_versions() {
        for start in STARTS {
            let channel = Options::<u64>::new().initial_position(start).anonymous().unwrap();
            let mut reader = channel.reader().unwrap();
            for version in 1..12 {
                let mut writer = channel.writer().unwrap();
                assert_eq!(channel.writer().unwrap_err().kind(), ErrorKind::InUse);
                writer.store(version);
                assert_eq!(reader.changed().unwrap(), Snapshot { value: version, version });
                // Somebody who dies inside of a store leaves this.
                writer.loan().set(&99);
            }
        }
    }

    #[test]
    fn an_end_moves_by_its_descriptor() {
        let (writer, mut reader) = channel::<u64>().unwrap();
        let mut writer = Writer::<u64>::from_fd(writer.into_fd().unwrap()).unwrap();
        writer.store(7);
        assert_eq!(reader.load().unwrap().value, 7);
        let mut reader = Reader::<u64>::from_fd(reader.into_fd().unwrap()).unwrap();
        assert_eq!(reader.load().unwrap().value, 7);
        let fd = reader.into_fd().unwrap();
        assert_eq!(Writer::<u64>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
    }

    #[test]
    fn no_value_is_torn_and_the_last_one_is_seen() {
        const LAST: u64 = 50_000;
        let channel = Options::<[u64; 40]>::new().initial_position(u64::MAX - 99).anonymous().unwrap();
        let mut writer = channel.writer().unwrap();
        thread::scope(|scope| {
            for _ in 0..3 {
                let mut reader = channel.reader().unwrap();
                scope.spawn(move || {
                    let mut last = 0;
                    while last < LAST {
                        let seen = reader.changed().unwrap();
                        assert!(seen.version > last);
                        assert!(seen.value.iter().all(|word| *word == seen.version), "{seen:?}");
                        last = seen.version;
                    }
                });
            }
            (1..=LAST).for_each(|version| writer.store([version; 40]));
        });
    }

    #[test]
    fn scribbling_over_the_channel_hangs_nobody() {
        use crate::channel::region::HEADER;
        for seed in 1..300u64 {
            let channel = Channel::<u64>::anonymous().unwrap();
            let (mut writer, mut reader) = (channel.writer().unwrap(), channel.reader().unwrap());
            (0..3).for_each(|i| writer.store(i));
            let fd = channel.as_fd().try_clone_to_owned().unwrap();
            let memory = crate::shm::memfd::Memfd::try_from(fd).unwrap().map().unwrap();
            let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let bytes = (0..memory.len()).map(|_| {
                random = random.rotate_left(5) ^ random.wrapping_mul(0x2545_F491_4F6C_DD1D);
                if seed % 3 == 0 { seed as u8 } else { (random >> 56) as u8 }
            });
            let bytes: Vec<u8> = bytes.collect();
            let from = if seed % 2 == 0 { 0 } else { HEADER };
            memory.write_at(from, &bytes[from..]).unwrap();
            for i in 0..9 {
                let _ = reader.load();
                let _ = reader.load_in_place().map(|view| view.get().map(drop));
                let _ = reader.changed_timeout(Duration::from_micros(10));
                writer.store(i);
            }
            drop((writer, reader));
            if let (Ok(mut writer), Ok(mut reader)) = (channel.writer(), channel.reader()) {
                writer.store(1);
                let _ = reader.try_changed();
            }
        }
    }
}
