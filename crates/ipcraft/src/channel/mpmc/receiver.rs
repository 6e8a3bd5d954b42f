//! A receiving end.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::recovery::Recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::mpmc::{Channel, LEASES, Received};
use crate::channel::ring::Corrupt;
use crate::channel::ring::mpmc::Reader;
use crate::channel::shared::region::SharedRegion;
use crate::channel::tuning::DRAIN_BATCH;
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::{ErrorKind, Result};
use crate::time::Deadline;

/// One of the ends that receive. It may go to another thread, and is used by one at a time; for another thread, take
/// another.
///
/// When the last one is dropped, or dies with its process, that is an error for senders. New ones may be taken from the
/// [channel](Channel) at any time, and get what was sent and not received.
#[derive(Debug)]
pub struct Receiver<T: Message> {
    reader: Reader,
    recovery: Recovery,
    endpoint: Endpoint,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Receiver<T> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let slots = super::slots::<T>(region)?;
        let recovery = Recovery::new(region, slots);
        recovery.reclaim_predecessor(&lease)?;
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let reader = unsafe { Reader::resume(slots, region.control(0), endpoint.lease_id()) };
        let reader = reader.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Receiver { reader, recovery, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and takes a receiving end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and those of [`Channel::receiver`].
    pub fn open(name: &str) -> Result<Self> {
        Channel::<T>::open(name)?.receiver()
    }

    /// Takes over this end from a process that gave its [descriptor](Receiver::into_fd) away.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt::<T>(fd, LEASES.receivers)?;
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

    /// A descriptor that polls as readable when there may be a message, for an event loop; see
    /// [`Readiness`]. Another receiver may come first.
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

    /// Receives a message that nobody else gets, and waits if there is none.
    ///
    /// The message is out of the channel when this returns. A process that dies inside of it has received the message or
    /// has not, and then another receiver gets it.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if all senders are gone and nothing of what they sent is left (new ones
    /// may come, and so may what another receiver has in its hands and dies with);
    /// [`Corrupted`](ErrorKind::Corrupted) if what is in the channel cannot be, or is no value of the type.
    #[inline]
    pub fn recv(&mut self) -> Result<T> {
        self.recv_until(|| Deadline::NEVER)
    }

    /// [`recv`](Receiver::recv) that fails with [`Empty`](ErrorKind::Empty) instead of waiting: also if the next message
    /// is still being written.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T> {
        match self.reader.pop() {
            Ok(Some(wire)) => self.received(wire),
            Ok(None) => {
                let recover = |own: &Lease| self.recovery.reclaim_all(own);
                let wire = self.endpoint.finish_try(|| self.reader.pop(), recover)?;
                self.received(wire)
            }
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    /// [`recv`](Receiver::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T> {
        self.recv_until(|| Deadline::after(timeout))
    }

    /// Receives a message without copying it; waits if there is none. It stays in the channel until it is dropped, so that
    /// nothing is lost should this process die first.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Receiver::recv).
    pub fn recv_in_place(&mut self) -> Result<Received<'_, T>> {
        self.recv_in_place_until(Deadline::NEVER)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    pub fn try_recv_in_place(&mut self) -> Result<Received<'_, T>> {
        match self.reader.claim() {
            Ok(Some(())) => {}
            Ok(None) => {
                let recover = |own: &Lease| self.recovery.reclaim_all(own);
                self.endpoint.finish_try(|| self.reader.claim(), recover)?;
            }
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        }
        Received::new(&mut self.reader, &mut self.endpoint)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes
    /// within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Result<Received<'_, T>> {
        self.recv_in_place_until(Deadline::after(timeout))
    }

    fn recv_in_place_until(&mut self, deadline: Deadline) -> Result<Received<'_, T>> {
        let recover = |own: &Lease| self.recovery.reclaim_all(own);
        self.endpoint.wait(deadline, || self.reader.claim(), recover)?;
        self.cascade_wake();
        Received::new(&mut self.reader, &mut self.endpoint)
    }

    /// Takes the messages that are there, one by one as they are asked for, without waiting for more. Senders who sleep are
    /// woken when the iterator is dropped or after every 64th.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain {
            reader: &mut self.reader,
            endpoint: &mut self.endpoint,
            unnotified: 0,
            is_corrupt: false,
            _type: PhantomData,
        }
    }

    /// Receives one message after the other, and waits for each; ends when all senders are gone and nothing of what they
    /// sent is left.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    #[inline]
    fn recv_until(&mut self, deadline: impl FnOnce() -> Deadline) -> Result<T> {
        let wire = match self.reader.pop() {
            Ok(Some(wire)) => wire,
            Ok(None) => self.pop_blocking(deadline())?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        };
        self.received(wire)
    }

    #[inline(never)]
    fn pop_blocking(&mut self, deadline: Deadline) -> Result<T::Wire> {
        let recover = |own: &Lease| self.recovery.reclaim_all(own);
        self.endpoint.wait(deadline, || self.reader.claim(), recover)?;
        self.cascade_wake();
        self.reader.take().ok_or_else(|| self.endpoint.corrupted())
    }

    /// Whoever was woken wakes another if there is a message for him too: rings may have gone to those for whom there was
    /// none yet, while an earlier one was being written.
    fn cascade_wake(&mut self) {
        if self.reader.has_more() {
            self.endpoint.notify_own_side();
        }
    }

    #[inline]
    fn received(&mut self, wire: T::Wire) -> Result<T> {
        self.endpoint.notify();
        T::from_wire(wire).ok_or_else(|| self.endpoint.corrupted())
    }
}

/// Messages as they come, until all senders are gone. Each may be an error instead; after one of kind
/// [`Corrupted`](ErrorKind::Corrupted) there is no use in going on.
#[derive(Debug)]
pub struct Iter<'a, T: Message> {
    receiver: &'a mut Receiver<T>,
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        match self.receiver.recv() {
            Err(e) if e.kind() == ErrorKind::Disconnected => None,
            received => Some(received),
        }
    }
}

impl<'a, T: Message> IntoIterator for &'a mut Receiver<T> {
    type Item = Result<T>;
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
    /// How many were taken since senders were last told.
    unnotified: u32,
    /// What is in the channel cannot be.
    is_corrupt: bool,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Drain<'_, T> {
    fn notify(&mut self) {
        self.unnotified = 0;
        self.endpoint.notify_all();
    }
}

impl<T: Message> Iterator for Drain<'_, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        if self.unnotified == DRAIN_BATCH {
            self.notify();
        }
        if self.is_corrupt {
            return None;
        }
        match self.reader.pop() {
            Ok(Some(wire)) => {
                self.unnotified += 1;
                Some(T::from_wire(wire).ok_or_else(|| self.endpoint.corrupted()))
            }
            Ok(None) => None,
            Err(Corrupt) => {
                self.is_corrupt = true;
                Some(Err(self.endpoint.corrupted()))
            }
        }
    }
}

impl<T: Message> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        if self.unnotified > 0 {
            self.notify();
        }
    }
}
