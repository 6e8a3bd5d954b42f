//! A loading endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Channel, LEASES, Latest, View};
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::newest::Newest;
use crate::channel::ring::seqlock;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::{Error, ErrorKind, Result};

/// A value and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot<T> {
    /// The value that was stored.
    pub value: T,
    /// The number of values that all writers of the channel have stored, up to this one.
    pub version: u64,
}

/// An endpoint that loads the newest value. It may move to another thread (`Send`), but is not
/// shared (not `Sync`).
///
/// Readers connect and leave without affecting other endpoints.
pub struct Reader<T: Message> {
    core: Core<Newest>,
    /// The version that was loaded last, or zero.
    loaded: u64,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Reader<T> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        let (slots, start) = (super::slots::<T>(&region.data_area())?, region.config().initial_position);
        // SAFETY: because `endpoint` keeps the region, which keeps the control block.
        let ring = unsafe { seqlock::Reader::at(slots, region.control(0), start) };
        let core = Core::new(Newest::new(ring, start), NoRecovery, endpoint);
        Ok(Reader { core, loaded: 0, _type: PhantomData })
    }

    /// Opens the channel of this name and a loading endpoint.
    ///
    /// # Errors
    ///
    /// Fails as [`Options::open`](crate::channel::Options::open) and [`Channel::reader`] do.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.reader()
    }

    /// Takes over the endpoint that was [converted](Reader::into_fd) to this descriptor. Its last
    /// version is zero, as if it had loaded nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not such an endpoint;
    /// with [`InUse`](ErrorKind::InUse) if it was closed meanwhile and another reader took its
    /// lease. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Latest<T>>(fd, |_| LEASES.receivers, "open reader")?;
        Reader::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "a change of the value");

    /// Returns the version that this endpoint loaded last, or zero.
    pub fn version(&self) -> u64 {
        self.loaded
    }

    /// Loads the newest value, even if it has not changed or the writer has left. It never blocks.
    ///
    /// # Errors
    ///
    /// Fails with [`Empty`](ErrorKind::Empty) if no value was ever stored; with
    /// [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid, or the bytes are not a
    /// value of the type; with [`WouldBlock`](ErrorKind::WouldBlock) if the writer overwrote each
    /// value while it was copied, because the capacity is too small.
    #[inline]
    pub fn load(&mut self) -> Result<Snapshot<T>> {
        match self.core.ring.take(0) {
            Ok(Some((wire, version))) => self.loaded(wire, version),
            Ok(None) => Err(self.nothing()),
            Err(Corrupt) => Err(self.core.endpoint.corrupted()),
        }
    }

    /// Loads like [`load`](Reader::load), but without copying. The value may be overwritten at any
    /// time. A [read](View::read_at) then fails instead of returning a mix of two values.
    ///
    /// # Errors
    ///
    /// Fails as [`load`](Reader::load) does.
    pub fn load_in_place(&mut self) -> Result<View<'_, T>> {
        match self.core.ring.slot_ptr(0) {
            Ok(Some((start, version))) => {
                self.loaded = version;
                Ok(View::new(start, version, &self.core))
            }
            Ok(None) => Err(self.nothing()),
            Err(Corrupt) => Err(self.core.endpoint.corrupted()),
        }
    }

    /// Loads the newest value once it differs from the last value that this endpoint loaded.
    /// Blocks until then.
    ///
    /// # Errors
    ///
    /// Fails with [`Disconnected`](ErrorKind::Disconnected) if the value is unchanged and the
    /// writer has left (a new writer may connect later); with [`Corrupted`](ErrorKind::Corrupted)
    /// as for [`load`](Reader::load).
    #[inline]
    pub fn changed(&mut self) -> Result<Snapshot<T>> {
        self.changed_with(Forever)
    }

    /// Loads like [`changed`](Reader::changed), but fails with [`Empty`](ErrorKind::Empty) instead
    /// of blocking.
    #[inline]
    pub fn try_changed(&mut self) -> Result<Snapshot<T>> {
        self.changed_with(Never)
    }

    /// Loads like [`changed`](Reader::changed), but fails with [`TimedOut`](ErrorKind::TimedOut) if
    /// the value does not change within `timeout`.
    #[inline]
    pub fn changed_timeout(&mut self, timeout: Duration) -> Result<Snapshot<T>> {
        self.changed_with(Within(timeout))
    }

    #[inline]
    fn changed_with(&mut self, patience: impl Patience) -> Result<Snapshot<T>> {
        let known = self.loaded;
        let (wire, version) = self.core.attempt(patience, |ring| ring.take(known))?;
        self.loaded(wire, version)
    }

    /// Returns an iterator over the newest values, which blocks until the next change. It ends when
    /// the writer has left and its last value is loaded.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { reader: self }
    }

    #[inline]
    fn loaded(&mut self, wire: T::Wire, version: u64) -> Result<Snapshot<T>> {
        self.loaded = version;
        match T::from_wire(wire) {
            Some(value) => Ok(Snapshot { value, version }),
            None => Err(self.core.endpoint.corrupted()),
        }
    }

    /// Returns the reason that nothing could be loaded.
    #[cold]
    fn nothing(&self) -> Error {
        let endpoint = &self.core.endpoint;
        if self.core.ring.version() == 0 {
            return endpoint.error(ErrorKind::Empty);
        }
        endpoint.error(ErrorKind::WouldBlock).with_hint("increase the capacity of the channel")
    }
}

/// Iterator over the newest value after each change, until the writer leaves.
///
/// Each item may be an error instead. After [`Corrupted`](ErrorKind::Corrupted), stop iterating.
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

debug_by_endpoint! {
    Reader<T> core.endpoint;
    Iter<'_, T> reader.core.endpoint;
}
