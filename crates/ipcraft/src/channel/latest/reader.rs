//! An end that loads.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::no_recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::latest::{Channel, LEASES, View};
use crate::channel::ring::Corrupt;
use crate::channel::ring::newest::Newest;
use crate::channel::ring::seqlock;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;

/// A value, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot<T> {
    /// What was stored.
    pub value: T,
    /// How many values have been stored from the beginning of the channel until this one, by whatever writers.
    pub version: u64,
}

/// An end that loads the newest value. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, is nobody's concern.
#[derive(Debug)]
pub struct Reader<T: Message> {
    newest: Newest,
    /// The version that was loaded last, or zero.
    loaded: u64,
    endpoint: Endpoint,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Reader<T> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        let (slots, start) = (super::slots::<T>(&region.data_area())?, region.config().initial_position);
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let ring = unsafe { seqlock::Reader::at(slots, region.control(0), start) };
        Ok(Reader { newest: Newest::new(ring, start), loaded: 0, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and takes such an end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`LimitReached`](ErrorKind::LimitReached) if there are as many as
    /// there can be.
    pub fn open(name: &str) -> Result<Self> {
        Channel::<T>::open(name)?.reader()
    }

    /// Takes over this end from a process that gave its [descriptor](Reader::into_fd) away. What that one has loaded counts
    /// as not loaded yet.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt::<T>(fd, LEASES.receivers)?;
        Reader::new(&region, lease)
    }

    /// The descriptor that *is* this end: for a [child](crate::process), or to be sent over a [socket](crate::socket).
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the channel has a name, by which it is opened there.
    pub fn into_fd(self) -> Result<OwnedFd> {
        self.endpoint.into_fd()
    }

    /// A descriptor that polls as readable when the value may have changed, for an event loop; see
    /// [`Readiness`]. Look with [`try_changed`](Reader::try_changed).
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoint.readiness()
    }

    /// How this end waits for a change from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoint.set_wait_strategy(waiting);
    }

    /// The version that this end loaded last, or zero.
    pub fn version(&self) -> u64 {
        self.loaded
    }

    /// Loads the newest value, whether it has changed or not and whether there is a writer or not. Never waits.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) if nothing has ever been stored; [`Corrupted`](ErrorKind::Corrupted) if what is there is
    /// not what a writer writes, or no value of the type; [`WouldBlock`](ErrorKind::WouldBlock) if the writer went round all places
    /// again and again before the value was copied: then there are too few.
    #[inline]
    pub fn load(&mut self) -> Result<Snapshot<T>> {
        match self.newest.take(0) {
            Ok(Some((wire, version))) => self.loaded(wire, version),
            Ok(None) => Err(self.nothing()),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    /// [`load`](Reader::load) without copying. The value may be overwritten at any time: what is [read](View::read_at) is
    /// whole, or an error.
    ///
    /// # Errors
    ///
    /// As for [`load`](Reader::load).
    pub fn load_in_place(&mut self) -> Result<View<'_, T>> {
        match self.newest.slot_ptr(0) {
            Ok(Some((start, version))) => {
                self.loaded = version;
                Ok(View::new(start, version, &self.newest, &self.endpoint))
            }
            Ok(None) => Err(self.nothing()),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    /// Loads the newest value once it is another than the one that this end loaded last; waits until then.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if it is not, and the writer is gone (a new one may come);
    /// [`Corrupted`](ErrorKind::Corrupted) as for [`load`](Reader::load).
    #[inline]
    pub fn changed(&mut self) -> Result<Snapshot<T>> {
        self.changed_until(|| Deadline::NEVER)
    }

    /// [`changed`](Reader::changed) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_changed(&mut self) -> Result<Snapshot<T>> {
        let known = self.loaded;
        let (wire, version) = match self.newest.take(known) {
            Ok(Some(found)) => found,
            Ok(None) => self.endpoint.finish_try(|| self.newest.take(known), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        };
        self.loaded(wire, version)
    }

    /// [`changed`](Reader::changed) that fails with [`TimedOut`](ErrorKind::TimedOut) if nothing changes within `timeout`.
    #[inline]
    pub fn changed_timeout(&mut self, timeout: Duration) -> Result<Snapshot<T>> {
        self.changed_until(|| Deadline::after(timeout))
    }

    /// Loads the newest value after each change, and waits for each; ends when the writer is gone and its last value is
    /// loaded.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { reader: self }
    }

    #[inline]
    fn changed_until(&mut self, deadline: impl FnOnce() -> Deadline) -> Result<Snapshot<T>> {
        let known = self.loaded;
        let (wire, version) = match self.newest.take(known) {
            Ok(Some(found)) => found,
            Ok(None) => self.endpoint.wait(deadline(), || self.newest.take(known), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        };
        self.loaded(wire, version)
    }

    #[inline]
    fn loaded(&mut self, wire: T::Wire, version: u64) -> Result<Snapshot<T>> {
        self.loaded = version;
        match T::from_wire(wire) {
            Some(value) => Ok(Snapshot { value, version }),
            None => Err(self.endpoint.corrupted()),
        }
    }

    /// Why nothing could be loaded.
    #[cold]
    fn nothing(&self) -> Error {
        if self.newest.version() == 0 {
            return self.endpoint.error(ErrorKind::Empty);
        }
        self.endpoint
            .error(ErrorKind::WouldBlock)
            .with_hint("give the channel more places than the writer fills meanwhile")
    }
}

/// The newest value after each change, until the writer is gone. Each may be an error instead; after one of kind
/// [`Corrupted`](ErrorKind::Corrupted) there is no use in going on.
#[derive(Debug)]
pub struct Iter<'a, T: Message> {
    reader: &'a mut Reader<T>,
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = Result<Snapshot<T>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.changed() {
            Err(e) if e.kind() == ErrorKind::Disconnected => None,
            changed => Some(changed),
        }
    }
}

impl<'a, T: Message> IntoIterator for &'a mut Reader<T> {
    type Item = Result<Snapshot<T>>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
