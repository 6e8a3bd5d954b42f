//! The receiving endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::taken::Taken;
use super::{Bytes, Channel, Received};
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::bytes::{Next, Reader};
use crate::channel::ring::record::WORD;
use crate::channel::shared::region::SharedRegion;
use crate::channel::spsc::LEASES;
use crate::channel::{Payload, handle};
use crate::error::{Error, ErrorKind, Limit, Result};

/// The only receiving endpoint. It may move to another thread (`Send`), but is not shared (not
/// `Sync`).
///
/// After the receiver is dropped, or its process dies, sending fails with `Disconnected`. A new
/// receiver opened from the [channel](Channel) gets the records that were not received.
pub struct Receiver {
    core: Core<Reader>,
}

impl Receiver {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        let slots = super::slots(region)?;
        // SAFETY: because `endpoint` keeps the region mapped, the region contains the control
        // block, and the slots are words.
        let reader = unsafe { Reader::resume(slots, region.control(0)) };
        Ok(Receiver { core: Core::new(reader, NoRecovery, endpoint) })
    }

    /// Opens the channel of this name, and its receiving endpoint.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse)
    /// if another receiver exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::open(name)?.receiver()
    }

    /// Takes over the endpoint that was [converted](Receiver::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not such an endpoint;
    /// [`InUse`](ErrorKind::InUse) if it was closed in the meantime and another receiver was
    /// opened. On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Bytes>(fd, |_| LEASES.receivers, "open receiver")?;
        Receiver::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "a record");

    /// Returns how many bytes of the [capacity](Receiver::capacity) are taken by records that were not
    /// received, headers and padding included.
    ///
    /// The sender may add some at any time, so the number may be too small when this returns.
    pub fn len(&self) -> usize {
        self.core.ring.len() as usize * WORD
    }

    /// Returns whether no record can be received without waiting.
    ///
    /// The sender may add some at any time, so the answer may be out of date when this returns.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Receives a record into `buffer`, blocking until one is available. Returns its length.
    ///
    /// The buffer is cleared first, and grows if necessary. Pass the same buffer again to avoid
    /// allocations. When this returns, the record is no longer in the channel. If the process dies
    /// during the call, either the record was received, or the next receiver gets it.
    ///
    /// # Errors
    ///
    /// Fails with [`Disconnected`](ErrorKind::Disconnected) if the sender has left and every record
    /// was received (a new sender may connect later); [`Corrupted`](ErrorKind::Corrupted) if the
    /// shared state is invalid. On error, the buffer is unchanged.
    #[inline]
    pub fn recv(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        let next = self.next_record(Forever)?;
        Ok(self.take(&next, buffer))
    }

    /// [`recv`](Receiver::recv) that fails with [`Empty`](ErrorKind::Empty) instead of blocking.
    #[inline]
    pub fn try_recv(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        let next = self.next_record(Never)?;
        Ok(self.take(&next, buffer))
    }

    /// [`recv`](Receiver::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no
    /// record within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> Result<usize> {
        let next = self.next_record(Within(timeout))?;
        Ok(self.take(&next, buffer))
    }

    /// Receives a record into the start of `buffer`, blocking until one is available. Returns its
    /// length.
    ///
    /// # Errors
    ///
    /// Fails with [`TooLarge`](ErrorKind::TooLarge) if the record is longer than the buffer. It
    /// stays in the channel, and the [limit](Error::limit) contains its length. Others as for
    /// [`recv`](Receiver::recv).
    #[inline]
    pub fn recv_into(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let next = self.next_record(Forever)?;
        self.take_into(&next, buffer)
    }

    /// [`recv_into`](Receiver::recv_into) that fails with [`Empty`](ErrorKind::Empty) instead of
    /// blocking.
    #[inline]
    pub fn try_recv_into(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let next = self.next_record(Never)?;
        self.take_into(&next, buffer)
    }

    /// [`recv_into`](Receiver::recv_into) that fails with [`TimedOut`](ErrorKind::TimedOut) if
    /// there is no record within `timeout`.
    #[inline]
    pub fn recv_into_timeout(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        let next = self.next_record(Within(timeout))?;
        self.take_into(&next, buffer)
    }

    /// Receives a record without copying it, blocking until one is available.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Receiver::recv).
    pub fn recv_in_place(&mut self) -> Result<Received<'_>> {
        self.recv_in_place_with(Forever)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`Empty`](ErrorKind::Empty)
    /// instead of blocking.
    pub fn try_recv_in_place(&mut self) -> Result<Received<'_>> {
        self.recv_in_place_with(Never)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`TimedOut`](ErrorKind::TimedOut)
    /// if there is no record within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Result<Received<'_>> {
        self.recv_in_place_with(Within(timeout))
    }

    fn recv_in_place_with(&mut self, patience: impl Patience) -> Result<Received<'_>> {
        let record = self.core.attempt(patience, Reader::record)?;
        Ok(Received::new(&mut self.core, record))
    }

    /// Calls `each` with every record that is in the channel, in place, without waiting for more.
    /// Returns their number.
    ///
    /// This is cheaper than one call for each, because the space is freed together: after 64
    /// records or 16 KiB, and at the end. If the process dies earlier, the next receiver gets these
    /// records again. If `each` panics, its record stays in the channel.
    ///
    /// ```
    /// let (mut sender, mut receiver) = ipcraft::channel::spsc::bytes::channel(4096)?;
    /// sender.send_all(&["one", "three", "four"])?;
    /// let mut bytes = 0;
    /// assert_eq!(receiver.for_each_available(|record| bytes += record.len())?, 3);
    /// assert_eq!(bytes, 12);
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid. The records
    /// before it are received.
    pub fn for_each_available(&mut self, mut each: impl FnMut(&Payload<'_>)) -> Result<usize> {
        let until = self.core.ring.poll_position().map_err(|Corrupt| self.core.endpoint.corrupted())?;
        let mut taken = Taken::new(&mut self.core);
        let mut count = 0;
        while taken.core.ring.position() != until {
            let found = taken.core.ring.record();
            let Some(record) = found.map_err(|Corrupt| taken.core.endpoint.corrupted())? else { break };
            let start = taken.core.ring.slot_ptr(&record);
            // SAFETY: because a record that was found is within the ring, the ring is mapped while
            // the endpoint exists, and no reference to the record exists.
            each(&unsafe { Payload::new(start, record.length) });
            taken.skip(record.end);
            count += 1;
        }
        Ok(count)
    }

    /// Returns an iterator over records as they arrive, each in a new buffer, blocking for each. It
    /// ends when the sender has left and every record was received.
    pub fn iter(&mut self) -> Iter<'_> {
        Iter { receiver: self }
    }

    #[inline]
    fn next_record(&mut self, patience: impl Patience) -> Result<Next> {
        self.core.attempt(patience, Reader::next)
    }

    #[inline]
    fn take(&mut self, next: &Next, buffer: &mut Vec<u8>) -> usize {
        buffer.clear();
        // At most the capacity of the channel, because a record was checked when it was found.
        buffer.reserve(next.length());
        self.core.ring.read(next, buffer.spare_capacity_mut());
        // SAFETY: because this many bytes were reserved, and `read` has written them.
        unsafe { buffer.set_len(next.length()) };
        self.finish(next);
        next.length()
    }

    #[inline]
    fn take_into(&mut self, next: &Next, buffer: &mut [u8]) -> Result<usize> {
        let length = next.length();
        if length > buffer.len() {
            return Err(self.too_large(buffer.len(), length));
        }
        // SAFETY: because initialized bytes are valid as `MaybeUninit`, and only initialized bytes
        // are written there.
        let buffer = unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) };
        self.core.ring.read(next, buffer);
        self.finish(next);
        Ok(length)
    }

    /// Frees the space of a record that was read.
    #[inline]
    fn finish(&mut self, next: &Next) {
        self.core.ring.skip(next.end());
        self.core.ring.publish();
        self.core.notify();
    }

    #[cold]
    fn too_large(&self, available: usize, length: usize) -> Error {
        let value = available as u64;
        let limit = Limit { name: "the length of the buffer", value, requested: Some(length as u64) };
        let error = self.core.endpoint.error(ErrorKind::TooLarge).with_limit(Some(limit));
        error.with_hint("receive the record again with a larger buffer")
    }
}

/// Iterator over records as they arrive, until the sender has left.
///
/// An item may be an error. After [`Corrupted`](ErrorKind::Corrupted), stop iterating.
pub struct Iter<'a> {
    receiver: &'a mut Receiver,
}

impl Iterator for Iter<'_> {
    type Item = Result<Vec<u8>>;

    #[inline]
    fn next(&mut self) -> Option<Result<Vec<u8>>> {
        let mut record = Vec::new();
        match self.receiver.recv(&mut record) {
            Err(e) if e.kind() == ErrorKind::Disconnected => None,
            received => Some(received.map(|_| record)),
        }
    }
}

impl<'a> IntoIterator for &'a mut Receiver {
    type Item = Result<Vec<u8>>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

debug_by_endpoint! {
    Receiver core.endpoint;
}

impl std::fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Iter").field("receiver", &self.receiver).finish()
    }
}
