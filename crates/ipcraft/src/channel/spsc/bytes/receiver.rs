//! The receiving end.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::no_recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::bytes::{Next, Reader};
use crate::channel::shared::region::SharedRegion;
use crate::channel::spsc::bytes::{Channel, LEASES, Received};
use crate::channel::tuning::{DRAIN_BATCH, DRAIN_BATCH_WORDS};
use crate::channel::{Payload, Readiness, WaitStrategy};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::time::Deadline;

/// The one end that receives. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, is an error for the sender; a new one may then be taken from the
/// [channel](Channel), and gets what was sent and not received.
#[derive(Debug)]
pub struct Receiver {
    reader: Reader,
    endpoint: Endpoint,
}

impl Receiver {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        let slots = super::slots(region)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow, and the slots are words.
        let reader = unsafe { Reader::resume(slots, region.control(0)) };
        Ok(Receiver { reader, endpoint })
    }

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse) if somebody has it.
    pub fn open(name: &str) -> Result<Self> {
        Channel::open(name)?.receiver()
    }

    /// Takes over this end from a process that gave its [descriptor](Receiver::into_fd) away.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt(fd, LEASES.receivers)?;
        Receiver::new(&region, lease)
    }

    /// The descriptor that *is* this end: for a [child](crate::process), or to be sent over a [socket](crate::socket).
    /// Whoever has it, has the end; nobody sees it as gone on its way.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the channel has a name, by which it is opened there.
    pub fn into_fd(self) -> Result<OwnedFd> {
        self.endpoint.into_fd()
    }

    /// A descriptor that polls as readable when there may be a record, for an event loop; see
    /// [`Readiness`].
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoint.readiness()
    }

    /// How this end waits for records from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoint.set_wait_strategy(waiting);
    }

    /// Receives a record into `buffer`, whose earlier bytes go and which grows if it has to; says how long it is. Waits if
    /// there is none.
    ///
    /// The record is out of the channel when this returns. A process that dies inside of it has received the record or has
    /// not, and then the next receiver gets it. To receive without an allocation, come with the same buffer again.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the sender is gone and all it sent is received (a new one may come);
    /// [`Corrupted`](ErrorKind::Corrupted) if what it wrote is not what a sender writes. The buffer is as it was then.
    #[inline]
    pub fn recv(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        let next = self.next_until(|| Deadline::NEVER)?;
        Ok(self.take(&next, buffer))
    }

    /// [`recv`](Receiver::recv) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&mut self, buffer: &mut Vec<u8>) -> Result<usize> {
        let next = self.try_next()?;
        Ok(self.take(&next, buffer))
    }

    /// [`recv`](Receiver::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no record comes within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> Result<usize> {
        let next = self.next_until(|| Deadline::after(timeout))?;
        Ok(self.take(&next, buffer))
    }

    /// Receives a record into the start of `buffer`, and says how long it is. Waits if there is none.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ErrorKind::TooLarge) if the record is longer than the buffer: it stays the next one, and the
    /// [limit](Error::limit) tells how long a buffer it needs. Others as for [`recv`](Receiver::recv).
    #[inline]
    pub fn recv_into(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let next = self.next_until(|| Deadline::NEVER)?;
        self.take_into(&next, buffer)
    }

    /// [`recv_into`](Receiver::recv_into) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv_into(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let next = self.try_next()?;
        self.take_into(&next, buffer)
    }

    /// [`recv_into`](Receiver::recv_into) that fails with [`TimedOut`](ErrorKind::TimedOut) if no record comes within
    /// `timeout`.
    #[inline]
    pub fn recv_into_timeout(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        let next = self.next_until(|| Deadline::after(timeout))?;
        self.take_into(&next, buffer)
    }

    /// Receives a record without copying it; waits if there is none.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Receiver::recv).
    pub fn recv_in_place(&mut self) -> Result<Received<'_>> {
        self.recv_in_place_until(Deadline::NEVER)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    pub fn try_recv_in_place(&mut self) -> Result<Received<'_>> {
        let record = match self.reader.record() {
            Ok(Some(record)) => record,
            Ok(None) => self.endpoint.finish_try(|| self.reader.record(), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        };
        Ok(Received::new(&mut self.reader, &mut self.endpoint, record))
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`TimedOut`](ErrorKind::TimedOut) if no record comes
    /// within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Result<Received<'_>> {
        self.recv_in_place_until(Deadline::after(timeout))
    }

    fn recv_in_place_until(&mut self, deadline: Deadline) -> Result<Received<'_>> {
        let record = self.endpoint.wait(deadline, || self.reader.record(), no_recovery)?;
        Ok(Received::new(&mut self.reader, &mut self.endpoint, record))
    }

    /// Calls `each` with every record that is there, in its place, and says how many there were; does not wait for more.
    /// Cheaper than one by one: their room becomes free together, at the end and now and then in between. Until then they
    /// count as not received, should this process die; should `each` panic, the record that it was called with.
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
    /// [`Corrupted`](ErrorKind::Corrupted) if what the sender wrote is not what a sender writes; what was before it is
    /// received then.
    pub fn for_each_available(&mut self, mut each: impl FnMut(&Payload<'_>)) -> Result<usize> {
        let until = self.reader.poll_position().map_err(|Corrupt| self.endpoint.corrupted())?;
        let mut taken = Taken::new(self);
        let mut count = 0;
        while taken.reader.position() != until {
            let found = taken.reader.record();
            let Some(record) = found.map_err(|Corrupt| taken.endpoint.corrupted())? else { break };
            // SAFETY: because a record that was found is within the ring, which is mapped for as long as the end lives,
            // and no reference to what is there exists.
            each(&unsafe { Payload::new(taken.reader.slot_ptr(&record), record.length) });
            taken.skip(record.end);
            count += 1;
        }
        Ok(count)
    }

    /// Receives one record after the other, each into a new buffer, and waits for each; ends when the sender is gone and
    /// all it sent is received.
    pub fn iter(&mut self) -> Iter<'_> {
        Iter { receiver: self }
    }

    #[inline]
    fn next_until(&mut self, deadline: impl FnOnce() -> Deadline) -> Result<Next> {
        match self.reader.next() {
            Ok(Some(next)) => Ok(next),
            Ok(None) => self.endpoint.wait(deadline(), || self.reader.next(), no_recovery),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    #[inline]
    fn try_next(&mut self) -> Result<Next> {
        match self.reader.next() {
            Ok(Some(next)) => Ok(next),
            Ok(None) => self.endpoint.finish_try(|| self.reader.next(), no_recovery),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    #[inline]
    fn take(&mut self, next: &Next, buffer: &mut Vec<u8>) -> usize {
        buffer.clear();
        // No more than the channel has: a length that a peer made up is none that was found.
        buffer.reserve(next.length());
        self.reader.read(next, buffer.spare_capacity_mut());
        // SAFETY: because so many bytes were reserved, and `read` has written them.
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
        // SAFETY: because bytes that are initialised may be taken for ones that need not be, as nothing but bytes is
        // written there.
        let buffer = unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) };
        self.reader.read(next, buffer);
        self.finish(next);
        Ok(length)
    }

    /// Makes room of what has been read.
    #[inline]
    fn finish(&mut self, next: &Next) {
        self.reader.skip(next.end());
        self.reader.publish();
        self.endpoint.notify();
    }

    #[cold]
    fn too_large(&self, room: usize, length: usize) -> Error {
        let limit =
            Limit { name: "the length of the buffer", value: room as u64, requested: Some(length as u64) };
        self.endpoint
            .error(ErrorKind::TooLarge)
            .with_limit(Some(limit))
            .with_hint("the record is still there")
    }
}

/// Records as they come, until the sender is gone. Each may be an error instead; after one of kind
/// [`Corrupted`](ErrorKind::Corrupted) there is no use in going on.
#[derive(Debug)]
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

/// Records that were taken by a drain.
struct Taken<'a> {
    reader: &'a mut Reader,
    endpoint: &'a mut Endpoint,
    /// How many there are whose room is not free yet.
    unpublished: u32,
    /// Where the first of them is.
    since: u64,
}

impl<'a> Taken<'a> {
    fn new(receiver: &'a mut Receiver) -> Self {
        let since = receiver.reader.position();
        Taken { reader: &mut receiver.reader, endpoint: &mut receiver.endpoint, unpublished: 0, since }
    }

    #[inline]
    fn skip(&mut self, endpoint: u64) {
        self.reader.skip(endpoint);
        self.unpublished += 1;
        if self.unpublished == DRAIN_BATCH || endpoint.wrapping_sub(self.since) >= DRAIN_BATCH_WORDS {
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.unpublished = 0;
        self.since = self.reader.position();
        self.reader.publish();
        self.endpoint.notify();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.unpublished > 0 {
            self.publish();
        }
    }
}
