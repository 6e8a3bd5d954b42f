//! The receiving end.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::ring::Reader;
use super::sender::nothing_else;
use super::{Channel, Received, SEATING};
use crate::channel::end::{Corrupt, End, Role};
use crate::channel::region::Region;
use crate::channel::seat::Seat;
use crate::channel::{Message, Waiting};
use crate::error::{ErrorKind, Result};
use crate::time::Deadline;

/// The one end that receives. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, is an error for the sender; a new one may then be taken from the
/// [channel](Channel), and gets what was sent and not received.
#[derive(Debug)]
pub struct Receiver<T: Message> {
    reader: Reader,
    end: End,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Receiver<T> {
    pub(super) fn new(region: &Arc<Region>, seat: Seat) -> Result<Self> {
        let end = End::new(region.clone(), 0, Arc::new(seat), Role::Receiver, &SEATING)?;
        let slots = super::slots::<T>(region)?;
        // SAFETY: because `end` keeps the region, which keeps the flow.
        let reader = unsafe { Reader::resume(slots, region.flow(0)) };
        Ok(Receiver { reader, end, _type: PhantomData })
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
        let (region, seat) = super::adopt::<T>(fd, SEATING.receivers)?;
        Receiver::new(&region, seat)
    }

    /// The descriptor that *is* this end: for a [child](crate::process), or to be sent over a [socket](crate::socket).
    /// Whoever has it, has the end; nobody sees it as gone on its way.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the channel has a name, by which it is opened there.
    pub fn into_fd(self) -> Result<OwnedFd> {
        self.end.into_fd()
    }

    /// How this end waits for messages from now on; [`Adaptive`](Waiting::Adaptive) if nothing is said.
    pub fn set_waiting(&mut self, waiting: Waiting) {
        self.end.set_waiting(waiting);
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
        self.recv_until(|| Deadline::NEVER)
    }

    /// [`recv`](Receiver::recv) that fails with [`Empty`](ErrorKind::Empty) instead of waiting.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T> {
        match self.reader.pop() {
            Ok(Some(wire)) => self.received(wire),
            Ok(None) => {
                let wire = self.end.refuse(|| self.reader.pop(), nothing_else)?;
                self.received(wire)
            }
            Err(Corrupt) => Err(self.end.corrupted()),
        }
    }

    /// [`recv`](Receiver::recv) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes within `timeout`.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T> {
        self.recv_until(|| Deadline::after(timeout))
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
        match self.reader.place() {
            Ok(Some(_)) => {}
            Ok(None) => drop(self.end.refuse(|| self.reader.place(), nothing_else)?),
            Err(Corrupt) => return Err(self.end.corrupted()),
        }
        Received::new(&mut self.reader, &mut self.end)
    }

    /// [`recv_in_place`](Receiver::recv_in_place) that fails with [`TimedOut`](ErrorKind::TimedOut) if no message comes
    /// within `timeout`.
    pub fn recv_in_place_timeout(&mut self, timeout: Duration) -> Result<Received<'_, T>> {
        self.recv_in_place_until(Deadline::after(timeout))
    }

    fn recv_in_place_until(&mut self, deadline: Deadline) -> Result<Received<'_, T>> {
        self.end.wait(deadline, || self.reader.place(), nothing_else)?;
        Received::new(&mut self.reader, &mut self.end)
    }

    /// Takes the messages that are there, without waiting for more. Cheaper than one by one: their places become free
    /// together, when the iterator is dropped or after every 64th. Until then they count as not received, should this
    /// process die.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain { reader: &mut self.reader, end: &mut self.end, unpublished: 0, _type: PhantomData }
    }

    /// Receives one message after the other, and waits for each; ends when the sender is gone and all it sent is
    /// received.
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    #[inline]
    fn recv_until(&mut self, deadline: impl FnOnce() -> Deadline) -> Result<T> {
        let wire = match self.reader.pop() {
            Ok(Some(wire)) => wire,
            Ok(None) => self.end.wait(deadline(), || self.reader.pop(), nothing_else)?,
            Err(Corrupt) => return Err(self.end.corrupted()),
        };
        self.received(wire)
    }

    #[inline]
    fn received(&mut self, wire: T::Wire) -> Result<T> {
        self.end.ring();
        T::from_wire(wire).ok_or_else(|| self.end.corrupted())
    }
}

/// Messages as they come, until the sender is gone. Each may be an error instead; after one of kind
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
    end: &'a mut End,
    /// How many were taken whose places are not free yet.
    unpublished: u32,
    _type: PhantomData<fn() -> T>,
}

/// How many messages a drain keeps the places of at most.
const AT_ONCE: u32 = 64;

impl<T: Message> Drain<'_, T> {
    fn publish(&mut self) {
        self.unpublished = 0;
        self.reader.publish();
        self.end.ring();
    }
}

impl<T: Message> Iterator for Drain<'_, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        if self.unpublished == AT_ONCE {
            self.publish();
        }
        match self.reader.take() {
            Ok(Some(wire)) => {
                self.unpublished += 1;
                Some(T::from_wire(wire).ok_or_else(|| self.end.corrupted()))
            }
            Ok(None) => None,
            Err(Corrupt) => Some(Err(self.end.corrupted())),
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
