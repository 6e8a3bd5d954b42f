//! The receiving end.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::no_recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::spsc::Reader;
use crate::channel::shared::region::SharedRegion;
use crate::channel::spsc::{Channel, LEASES, Received};
use crate::channel::tuning::DRAIN_BATCH;
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::{ErrorKind, Result};
use crate::time::Deadline;

/// The one end that receives. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, is an error for the sender; a new one may then be taken from the
/// [channel](Channel), and gets what was sent and not received.
pub struct Receiver<T: Message> {
    reader: Reader<T::Wire>,
    endpoint: Endpoint,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Receiver<T> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Receiver, &LEASES)?;
        let slots = region.data_area().slot_array(0, region.config().capacity)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let reader = unsafe { Reader::resume(slots, region.control(0)) };
        Ok(Receiver { reader, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse) if somebody has it.
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

    /// A descriptor that polls as readable when there may be a message, for an event loop; see [`Readiness`].
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoint.readiness()
    }

    /// How this end waits for messages from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoint.set_wait_strategy(waiting);
    }

    /// Receives a message, and waits if there is none.
    ///
    /// The message is out of the channel when this returns. A process that dies inside of it has received the message or
    /// has not, and then the next receiver gets it.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](ErrorKind::Disconnected) if the sender is gone and all it sent is received (a new one may come);
    /// [`Corrupted`](ErrorKind::Corrupted) if what it wrote is not what a sender writes, or no value of the type.
    #[inline]
    pub fn recv(&mut self) -> Result<T> {
        match self.reader.pop_cached() {
            Some(wire) => self.received(wire),
            None => self.recv_slow(Deadline::NEVER),
        }
    }

    /// [`recv`](Receiver::recv) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T> {
        match self.reader.pop_cached() {
            Some(wire) => self.received(wire),
            None => self.try_recv_slow(),
        }
    }

    /// [`recv`](Receiver::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T> {
        match self.reader.pop_cached() {
            Some(wire) => self.received(wire),
            None => self.recv_slow(Deadline::after(timeout)),
        }
    }

    /// Receives a message without copying it; waits if there is none.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Receiver::recv).
    pub fn recv_in_place(&mut self) -> Result<Received<'_, T>> {
        self.recv_in_place_until(Deadline::NEVER)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    pub fn try_recv_in_place(&mut self) -> Result<Received<'_, T>> {
        match self.reader.slot_ptr() {
            Ok(Some(_)) => {}
            Ok(None) => drop(self.endpoint.finish_try(|| self.reader.slot_ptr(), no_recovery)?),
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
        self.endpoint.wait(deadline, || self.reader.slot_ptr(), no_recovery)?;
        Received::new(&mut self.reader, &mut self.endpoint)
    }

    /// Receives as many messages as are there and the buffer has room for, and waits if there is none; says how many. The
    /// fastest way to receive many small ones.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Receiver::recv); if one of the messages is no value of the type, all that were taken are lost.
    pub fn recv_many(&mut self, buffer: &mut [T]) -> Result<usize> {
        self.recv_all_until(buffer, || Deadline::NEVER)
    }

    /// [`recv_many`](Receiver::recv_many) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    pub fn try_recv_many(&mut self, buffer: &mut [T]) -> Result<usize> {
        let Receiver { reader, endpoint, .. } = self;
        let taken = T::from_wires(buffer, |wires| match reader.pop_many(wires) {
            Ok(Some(count)) => Ok(count),
            Ok(None) => endpoint.finish_try(|| reader.pop_many(wires), no_recovery),
            Err(Corrupt) => Err(endpoint.corrupted()),
        });
        self.received_all(taken)
    }

    /// [`recv_many`](Receiver::recv_many) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes within
    /// `timeout`.
    pub fn recv_many_timeout(&mut self, buffer: &mut [T], timeout: Duration) -> Result<usize> {
        self.recv_all_until(buffer, || Deadline::after(timeout))
    }

    fn recv_all_until(&mut self, buffer: &mut [T], deadline: impl FnOnce() -> Deadline) -> Result<usize> {
        let Receiver { reader, endpoint, .. } = self;
        let taken = T::from_wires(buffer, |wires| match reader.pop_many(wires) {
            Ok(Some(count)) => Ok(count),
            Ok(None) => endpoint.wait(deadline(), || reader.pop_many(wires), no_recovery),
            Err(Corrupt) => Err(endpoint.corrupted()),
        });
        self.received_all(taken)
    }

    fn received_all(&mut self, taken: Result<Option<usize>>) -> Result<usize> {
        let taken = taken?;
        self.endpoint.notify();
        taken.ok_or_else(|| self.endpoint.corrupted())
    }

    /// Takes the messages that are there, without waiting for more. Cheaper than one by one: their places become free
    /// together, when the iterator is dropped or after every 64th. Until then they count as not received, should this
    /// process die.
    pub fn drain(&mut self) -> Drain<'_, T> {
        let head = self.reader.position();
        Drain { reader: &mut self.reader, endpoint: &mut self.endpoint, head, stop: head, is_corrupt: false }
    }

    /// Receives one message after the other, and waits for each; ends when the sender is gone and all it sent is
    /// received.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    #[inline(never)]
    fn recv_slow(&mut self, deadline: Deadline) -> Result<T> {
        self.endpoint.wait(deadline, || self.reader.find(), no_recovery)?;
        let wire = self.reader.take();
        self.received(wire)
    }

    #[inline(never)]
    fn try_recv_slow(&mut self) -> Result<T> {
        match self.reader.find() {
            Ok(Some(())) => {}
            Ok(None) => self.endpoint.finish_try(|| self.reader.find(), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        }
        let wire = self.reader.take();
        self.received(wire)
    }

    #[inline]
    fn received(&mut self, wire: T::Wire) -> Result<T> {
        self.endpoint.notify();
        T::from_wire(wire).ok_or_else(|| self.endpoint.corrupted())
    }
}

/// Messages as they come, until the sender is gone. Each may be an error instead; after one of kind
/// [`Corrupted`](ErrorKind::Corrupted) there is no use in going on.
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
pub struct Drain<'a, T: Message> {
    reader: &'a mut Reader<T::Wire>,
    endpoint: &'a mut Endpoint,
    /// Where the next message is, and where the places of those before become free next.
    head: u64,
    stop: u64,
    /// What is in the channel cannot be.
    is_corrupt: bool,
}

impl<T: Message> Drain<'_, T> {
    /// Frees the places of what was taken, and sees what more there is.
    #[inline(never)]
    fn go_on(&mut self) -> Result<bool> {
        if self.head != self.reader.position() {
            self.reader.release(self.head);
            self.endpoint.notify();
        }
        let available = self.reader.available().map_err(|Corrupt| self.endpoint.corrupted())?;
        self.stop = self.head.wrapping_add(available.min(DRAIN_BATCH.into()));
        Ok(available > 0)
    }
}

impl<T: Message> Iterator for Drain<'_, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        if self.head == self.stop {
            // An error that comes again and again would never let a loop end.
            if self.is_corrupt {
                return None;
            }
            match self.go_on() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.is_corrupt = true;
                    return Some(Err(error));
                }
            }
        }
        let wire = self.reader.read_slot(self.head);
        self.head = self.head.wrapping_add(1);
        Some(T::from_wire(wire).ok_or_else(|| self.endpoint.corrupted()))
    }
}

impl<T: Message> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        if self.head != self.reader.position() {
            self.reader.release(self.head);
            self.endpoint.notify();
        }
    }
}

debug_by_endpoint! {
    Receiver<T> endpoint;
    Iter<'_, T> receiver.endpoint;
    Drain<'_, T> endpoint;
}
