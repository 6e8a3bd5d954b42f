//! A receiving end.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::burial::Undertaker;
use super::ring::Reader;
use super::{Channel, Received, SEATING};
use crate::channel::end::{Corrupt, End, Role};
use crate::channel::region::Region;
use crate::channel::seat::Seat;
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
    undertaker: Undertaker,
    end: End,
    _type: PhantomData<fn() -> T>,
}

impl<T: Message> Receiver<T> {
    pub(super) fn new(region: &Arc<Region>, seat: Seat) -> Result<Self> {
        let slots = super::slots::<T>(region)?;
        let undertaker = Undertaker::new(region, slots);
        undertaker.bury_predecessor(&seat)?;
        let end = End::new(region.clone(), 0, Arc::new(seat), Role::Receiver, &SEATING)?;
        // SAFETY: because `end` keeps the region, which keeps the flow.
        let reader = unsafe { Reader::resume(slots, region.flow(0), end.seat_number()) };
        let reader = reader.map_err(|Corrupt| end.corrupted())?;
        Ok(Receiver { reader, undertaker, end, _type: PhantomData })
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

    /// A descriptor that polls as readable when there may be a message, for an event loop; see
    /// [`Readiness`]. Another receiver may come first.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.end.readiness()
    }

    /// How this end waits for messages from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.end.set_wait_strategy(waiting);
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
                let look = |own: &Seat| self.undertaker.look_round(own);
                let wire = self.end.refuse(|| self.reader.pop(), look)?;
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
                let look = |own: &Seat| self.undertaker.look_round(own);
                self.end.refuse(|| self.reader.claim(), look)?;
            }
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
        let look = |own: &Seat| self.undertaker.look_round(own);
        self.end.wait(deadline, || self.reader.claim(), look)?;
        self.pass_on();
        Received::new(&mut self.reader, &mut self.end)
    }

    /// Takes the messages that are there, one by one as they are asked for, without waiting for more. Senders who sleep are
    /// woken when the iterator is dropped or after every 64th.
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain {
            reader: &mut self.reader,
            end: &mut self.end,
            untold: 0,
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
            Ok(None) => self.wait_and_pop(deadline())?,
            Err(Corrupt) => return Err(self.end.corrupted()),
        };
        self.received(wire)
    }

    #[inline(never)]
    fn wait_and_pop(&mut self, deadline: Deadline) -> Result<T::Wire> {
        let look = |own: &Seat| self.undertaker.look_round(own);
        self.end.wait(deadline, || self.reader.claim(), look)?;
        self.pass_on();
        self.reader.take().ok_or_else(|| self.end.corrupted())
    }

    /// Whoever was woken wakes another if there is a message for him too: rings may have gone to those for whom there was
    /// none yet, while an earlier one was being written.
    fn pass_on(&mut self) {
        if self.reader.has_more() {
            self.end.ring_own_side();
        }
    }

    #[inline]
    fn received(&mut self, wire: T::Wire) -> Result<T> {
        self.end.ring();
        T::from_wire(wire).ok_or_else(|| self.end.corrupted())
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
    end: &'a mut End,
    /// How many were taken since senders were last told.
    untold: u32,
    /// What is in the channel cannot be.
    is_corrupt: bool,
    _type: PhantomData<fn() -> T>,
}

/// After how many messages a drain tells the senders.
const AT_ONCE: u32 = 64;

impl<T: Message> Drain<'_, T> {
    fn tell(&mut self) {
        self.untold = 0;
        self.end.ring_for_all();
    }
}

impl<T: Message> Iterator for Drain<'_, T> {
    type Item = Result<T>;

    #[inline]
    fn next(&mut self) -> Option<Result<T>> {
        if self.untold == AT_ONCE {
            self.tell();
        }
        if self.is_corrupt {
            return None;
        }
        match self.reader.pop() {
            Ok(Some(wire)) => {
                self.untold += 1;
                Some(T::from_wire(wire).ok_or_else(|| self.end.corrupted()))
            }
            Ok(None) => None,
            Err(Corrupt) => {
                self.is_corrupt = true;
                Some(Err(self.end.corrupted()))
            }
        }
    }
}

impl<T: Message> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        if self.untold > 0 {
            self.tell();
        }
    }
}
