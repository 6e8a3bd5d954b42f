//! The storing endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{Channel, LEASES, Latest, Loan, Reader};
use crate::channel::core::{Core, NoRecovery, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::seqlock;
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, handle};
use crate::error::Result;

/// The only storing endpoint. It may move to another thread (`Send`), but is not shared (not
/// `Sync`).
///
/// After it is dropped or its process has died, the value stays, and readers that wait for a change
/// fail with `Disconnected`. A new writer opened from the [channel](Channel) continues the
/// versions.
pub struct Writer<T: Message> {
    core: Core<seqlock::Writer>,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Writer<T> {
    pub(super) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let mut endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        endpoint.notify_wakes_all();
        let slots = super::slots::<T>(&region.data_area())?;
        // SAFETY: because `endpoint` keeps the region, which keeps the control block.
        let ring = unsafe { seqlock::Writer::resume(slots, region.control(0)) };
        Ok(Writer { core: Core::new(ring, NoRecovery, endpoint), _type: PhantomData })
    }

    /// Opens the channel of this name and its storing endpoint.
    ///
    /// # Errors
    ///
    /// Fails as [`Options::open`](crate::channel::Options::open) does, or with
    /// [`InUse`](crate::ErrorKind::InUse) if another writer exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::<T>::open(name)?.writer()
    }

    /// Takes over the endpoint that was [converted](Writer::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not such an
    /// endpoint; with [`InUse`](crate::ErrorKind::InUse) if it was closed meanwhile and another
    /// writer was opened. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Latest<T>>(fd, |_| LEASES.senders, "open writer")?;
        Writer::new(&region, lease)
    }

    endpoint_methods!(@handover core.endpoint);
    endpoint_methods!(@peers core.endpoint);

    /// Opens another reader of this channel.
    ///
    /// # Errors
    ///
    /// Fails as [`Channel::reader`] does.
    pub fn reader(&self) -> Result<Reader<T>> {
        let region = self.core.endpoint.region();
        Reader::new(region, handle::acquire(region, LEASES.receivers, "open reader")?)
    }

    /// Returns the number of values that have been stored. This is the version of the newest value,
    /// or zero.
    pub fn version(&self) -> u64 {
        self.core.ring.tail().wrapping_sub(self.core.endpoint.region().config().initial_position)
    }

    /// Stores a value and wakes readers that wait for a change. It never blocks and cannot fail.
    ///
    /// When it returns, the value is in the channel, even if this process dies. A process that dies
    /// during the call has stored the whole value or nothing.
    #[inline]
    pub fn store(&mut self, value: T) {
        let wire = value.to_wire();
        let Core { ring, endpoint, .. } = &mut self.core;
        endpoint.tick_without_receivers();
        ring.begin();
        ring.write(&wire);
        ring.commit();
        endpoint.notify();
    }

    /// Returns the next slot, for writing a value in place. It never blocks.
    ///
    /// Readers load the previous value until this one is [committed](Loan::commit).
    ///
    /// ```
    /// use ipcraft::channel::latest;
    ///
    /// let (mut writer, mut reader) = latest::channel::<[u8; 4096]>()?;
    /// let mut frame = writer.loan();
    /// frame.write_at(0, b"header")?;
    /// frame.commit();
    ///
    /// let mut start = [0; 6];
    /// reader.load_in_place()?.read_at(0, &mut start)?;
    /// assert_eq!(&start, b"header");
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    pub fn loan(&mut self) -> Loan<'_, T> {
        self.core.endpoint.tick_without_receivers();
        Loan::new(&mut self.core)
    }
}

debug_by_endpoint! {
    Writer<T> core.endpoint;
}
