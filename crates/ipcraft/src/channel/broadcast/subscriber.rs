//! An end that receives.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use crate::channel::broadcast::{Channel, Received, RecvError};
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::no_recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::broadcast::Overflow;
use crate::channel::ring::broadcast::{Next, Reader};
use crate::channel::ring::seqlock;
use crate::channel::ring::{Corrupt, TryResult};
use crate::channel::shared::region::SharedRegion;
use crate::channel::tuning::DRAIN_BATCH;
use crate::channel::tuning::{JOIN_RETRY_INTERVAL, MAX_JOIN_ATTEMPTS};
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::{ErrorKind, Result};
use crate::time::Deadline;

/// An end that receives everything that is sent from when it came. It may go to another thread, and is used by one at a
/// time.
///
/// Dropping it, and the death of its process, is an error for the publisher if it was the last, and otherwise nobody's
/// concern: a publisher that it held back goes on.
#[derive(Debug)]
pub struct Subscriber<T: Message> {
    reader: Reader,
    endpoint: Endpoint,
    _type: PhantomData<fn() -> T>,
}

/// What receiving comes to.
type Outcome<R> = Result<R, RecvError>;

impl<T: Message> Subscriber<T> {
    /// Takes a seat and begins with what is sent next.
    pub(crate) fn join(region: &Arc<SharedRegion>) -> Result<Self> {
        let leases = super::seating(region).receivers;
        let mut lease = Lease::acquire(region.fd(), leases.clone());
        for _ in 1..MAX_JOIN_ATTEMPTS {
            match &lease {
                Err(e) if matches!(e.kind(), ErrorKind::LimitReached | ErrorKind::InUse) => {
                    sleep(JOIN_RETRY_INTERVAL);
                    lease = Lease::acquire(region.fd(), leases.clone());
                }
                _ => break,
            }
        }
        Subscriber::new(region, lease?, Reader::join)
    }

    fn new(
        region: &Arc<SharedRegion>,
        lease: Lease,
        begin: impl FnOnce(seqlock::Reader, super::Cursors, u32, Overflow) -> Reader,
    ) -> Result<Self> {
        let number = lease.number();
        let slots = super::slots::<T>(&region.data_area())?;
        let cursors = super::cursors(region)?;
        let mut endpoint =
            Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &super::seating(region))?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let ring = unsafe { seqlock::Reader::at(slots, region.control(0), 0) };
        let reader = begin(ring, cursors, number, super::overflow(region));
        // A publisher who looked while it was not known where this one begins may have gone to sleep.
        endpoint.notify_all();
        Ok(Subscriber { reader, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and comes as a subscriber.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open) and of [`Channel::subscriber`].
    pub fn open(name: &str) -> Result<Self> {
        Channel::<T>::open(name)?.subscriber()
    }

    /// Takes over this end from a process that gave its [descriptor](Subscriber::into_fd) away, and goes on where that one
    /// was.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let region = super::of_endpoint::<T>(&fd)?;
        let lease = Lease::adopt(fd, super::seating(&region).receivers)?;
        Subscriber::new(&region, lease, Reader::resume)
    }

    /// The descriptor that *is* this end: for a [child](crate::process), or to be sent over a [socket](crate::socket).
    /// Whoever has it, has the end, and gets what is sent meanwhile; nobody sees it as gone on its way.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the channel has a name, by which it is opened there.
    pub fn into_fd(mut self) -> Result<OwnedFd> {
        self.reader.publish_position();
        self.endpoint.into_fd()
    }

    /// A descriptor that polls as readable when there may be a message, for an event loop; see
    /// [`Readiness`].
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoint.readiness()
    }

    /// How this end waits for messages from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoint.set_wait_strategy(waiting);
    }

    /// Receives a message, and waits if there is none.
    ///
    /// # Errors
    ///
    /// [`Lagged`](RecvError::Lagged) if messages were overwritten before this subscriber came to them, with their number;
    /// the next call goes on after them. And [`Failed`](RecvError::Failed), of kind
    /// [`Disconnected`](ErrorKind::Disconnected) if the publisher is gone and all it sent is received (a new one may come),
    /// or [`Corrupted`](ErrorKind::Corrupted) if what it wrote is not what a publisher writes, or no value of the type.
    #[inline]
    pub fn recv(&mut self) -> Outcome<T> {
        self.recv_until(|| Deadline::NEVER)
    }

    /// [`recv`](Subscriber::recv) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&mut self) -> Outcome<T> {
        match self.reader.pop() {
            Ok(Some(next)) => self.received(next),
            Ok(None) => {
                let next = self.endpoint.finish_try(|| self.reader.pop(), no_recovery)?;
                self.received(next)
            }
            Err(Corrupt) => Err(self.endpoint.corrupted().into()),
        }
    }

    /// [`recv`](Subscriber::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Outcome<T> {
        self.recv_until(|| Deadline::after(timeout))
    }

    /// Receives a message without copying it; waits if there is none.
    ///
    /// Where messages are overwritten, one that is read in place may be: what is [read](Received::read_at) is whole, or an
    /// error.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Subscriber::recv).
    pub fn recv_in_place(&mut self) -> Outcome<Received<'_, T>> {
        self.recv_in_place_until(Deadline::NEVER)
    }

    /// [`recv_in_place`](Subscriber::recv_in_place) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    pub fn try_recv_in_place(&mut self) -> Outcome<Received<'_, T>> {
        let next = match self.reader.slot_ptr() {
            Ok(Some(next)) => next,
            Ok(None) => self.endpoint.finish_try(|| self.reader.slot_ptr(), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted().into()),
        };
        Received::new(&mut self.reader, &mut self.endpoint, next)
    }

    /// [`recv_in_place`](Subscriber::recv_in_place) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes
    /// within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Outcome<Received<'_, T>> {
        self.recv_in_place_until(Deadline::after(timeout))
    }

    fn recv_in_place_until(&mut self, deadline: Deadline) -> Outcome<Received<'_, T>> {
        let next = self.endpoint.wait(deadline, || self.reader.slot_ptr(), no_recovery)?;
        Received::new(&mut self.reader, &mut self.endpoint, next)
    }

    /// Takes the messages that are there, without waiting for more. Cheaper than one by one: their places become free
    /// together, when the iterator is dropped or after every 64th.
    pub fn drain(&mut self) -> Drain<'_, T> {
        let (reader, endpoint) = (&mut self.reader, &mut self.endpoint);
        Drain { reader, endpoint, unpublished: 0, is_corrupt: false, _type: PhantomData }
    }

    /// Receives one message after the other, and waits for each; ends when the publisher is gone and all it sent is
    /// received.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { subscriber: self }
    }

    #[inline]
    fn recv_until(&mut self, deadline: impl FnOnce() -> Deadline) -> Outcome<T> {
        let next = match self.reader.pop() {
            Ok(Some(next)) => next,
            Ok(None) => self.pop_blocking(deadline())?,
            Err(Corrupt) => return Err(self.endpoint.corrupted().into()),
        };
        self.received(next)
    }

    #[inline(never)]
    fn pop_blocking(&mut self, deadline: Deadline) -> Result<Next<T::Wire>> {
        self.endpoint.wait(deadline, || self.reader.find(), no_recovery)?;
        let next = self.reader.pop().map_err(|Corrupt| self.endpoint.corrupted())?;
        // A message that was there does not vanish.
        next.ok_or_else(|| self.endpoint.corrupted())
    }

    #[inline]
    fn received(&mut self, next: Next<T::Wire>) -> Outcome<T> {
        notify_publisher(&self.reader, &mut self.endpoint);
        value(&self.endpoint, next)
    }
}

/// Wakes the publisher, if it sleeps and the room of the messages that were just taken is what it waits for.
#[inline]
pub(crate) fn notify_publisher(reader: &Reader, endpoint: &mut Endpoint) {
    // While nobody sleeps, to ring is what lets it become calm.
    if !endpoint.no_waiters() && (!endpoint.has_waiters() || reader.has_freed_writer()) {
        endpoint.notify();
    }
}

#[inline]
fn value<T: Message>(endpoint: &Endpoint, next: Next<T::Wire>) -> Outcome<T> {
    match next {
        Next::Message(wire) => T::from_wire(wire).ok_or_else(|| endpoint.corrupted().into()),
        Next::Lagged(number) => Err(RecvError::Lagged(number)),
    }
}

/// Messages as they come, until the publisher is gone. Each may be an error instead; after one of kind
/// [`Corrupted`](ErrorKind::Corrupted) there is no use in going on.
#[derive(Debug)]
pub struct Iter<'a, T: Message> {
    subscriber: &'a mut Subscriber<T>,
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = Result<T, RecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.subscriber.recv() {
            Err(e) if e.kind() == ErrorKind::Disconnected => None,
            received => Some(received),
        }
    }
}

impl<'a, T: Message> IntoIterator for &'a mut Subscriber<T> {
    type Item = Result<T, RecvError>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The messages that are there.
#[derive(Debug)]
pub struct Drain<'a, T: Message> {
    reader: &'a mut Reader,
    endpoint: &'a mut Endpoint,
    /// How many were taken whose places are not free yet.
    unpublished: u32,
    is_corrupt: bool,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Drain<'_, T> {
    fn publish(&mut self) {
        self.unpublished = 0;
        self.reader.make_room();
        notify_publisher(self.reader, self.endpoint);
    }
}

impl<T: Message> Iterator for Drain<'_, T> {
    type Item = Result<T, RecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.unpublished == DRAIN_BATCH {
            self.publish();
        }
        let taken: TryResult<Next<T::Wire>> = self.reader.take();
        match taken {
            Ok(Some(next)) => {
                self.unpublished += 1;
                Some(value(self.endpoint, next))
            }
            Ok(None) => None,
            // An error that comes again and again would never let a loop end.
            Err(Corrupt) if self.is_corrupt => None,
            Err(Corrupt) => {
                self.is_corrupt = true;
                Some(Err(self.endpoint.corrupted().into()))
            }
        }
    }
}

impl<T: Message> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        if self.unpublished > 0 {
            self.publish();
        }
    }
}
