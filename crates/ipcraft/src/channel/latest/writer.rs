//! The end that stores.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::channel::Message;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::latest::{Channel, LEASES, Loan, Reader};
use crate::channel::ring::seqlock;
use crate::channel::shared::region::SharedRegion;
use crate::error::Result;

/// The one end that stores. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, leaves the value as it is, and ends the waiting of readers for another; a new
/// one may then be taken from the [channel](Channel), and goes on with the versions.
#[derive(Debug)]
pub struct Writer<T: Message> {
    ring: seqlock::Writer,
    endpoint: Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Writer<T> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let mut endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        endpoint.notify_wakes_all();
        let slots = super::slots::<T>(&region.data_area())?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let ring = unsafe { seqlock::Writer::resume(slots, region.control(0)) };
        Ok(Writer { ring, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](crate::ErrorKind::InUse) if somebody has it.
    pub fn open(name: &str) -> Result<Self> {
        Channel::<T>::open(name)?.writer()
    }

    /// Takes over this end from a process that gave its [descriptor](Writer::into_fd) away.
    ///
    /// # Errors
    ///
    /// [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](crate::ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt::<T>(fd, LEASES.senders)?;
        Writer::new(&region, lease)
    }

    /// The descriptor that *is* this end: for a [child](crate::process), or to be sent over a [socket](crate::socket).
    /// Whoever has it, has the end; nobody sees it as gone on its way.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) if the channel has a name, by which it is opened there.
    pub fn into_fd(self) -> Result<OwnedFd> {
        self.endpoint.into_fd()
    }

    /// Another reader of this channel.
    ///
    /// # Errors
    ///
    /// As for [`Channel::reader`].
    pub fn reader(&self) -> Result<Reader<T>> {
        let region = self.endpoint.region();
        Reader::new(region, Lease::acquire(region.fd(), LEASES.receivers)?)
    }

    /// How many values have been stored: the version of the newest, or zero.
    pub fn version(&self) -> u64 {
        self.ring.tail().wrapping_sub(self.endpoint.region().config().initial_position)
    }

    /// Stores a value, and wakes readers that wait for a change. It never waits and cannot fail, whoever reads or does not.
    ///
    /// When it returns, the value is there, whatever happens to this process. A process that dies inside of it has stored
    /// the value or has not.
    #[inline]
    pub fn store(&mut self, value: T) {
        let wire = value.to_wire();
        self.endpoint.tick_without_receivers();
        self.ring.begin();
        self.ring.write(&wire);
        self.ring.commit();
        self.endpoint.notify();
    }

    /// The next place in the channel, to write a value there instead of copying it. Never waits. Readers get the last value
    /// until this one is [committed](Loan::commit).
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
        self.endpoint.tick_without_receivers();
        Loan::new(&mut self.ring, &mut self.endpoint)
    }
}
