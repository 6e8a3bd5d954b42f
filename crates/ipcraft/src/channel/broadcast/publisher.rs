//! The end that sends.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::broadcast::{Channel, Loan, Subscriber};
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::broadcast::Writer;
use crate::channel::ring::seqlock;
use crate::channel::send_error::{SendAllError, SendError};
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::Result;
use crate::time::Deadline;

/// The one end that sends. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, ends what the subscribers get after the last message; a new one may then be
/// taken from the [channel](Channel), and goes on.
#[derive(Debug)]
pub struct Publisher<T: Message> {
    writer: Writer,
    endpoint: Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Publisher<T> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let mut endpoint =
            Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &super::seating(region))?;
        endpoint.notify_wakes_all();
        let slots = super::slots::<T>(&region.data_area())?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let ring = unsafe { seqlock::Writer::resume(slots, region.control(0)) };
        let writer = Writer::new(ring, super::cursors(region)?, super::overflow(region));
        Ok(Publisher { writer, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](crate::ErrorKind::InUse) if somebody has it.
    pub fn open(name: &str) -> Result<Self> {
        Channel::<T>::open(name)?.publisher()
    }

    /// Takes over this end from a process that gave its [descriptor](Publisher::into_fd) away.
    ///
    /// # Errors
    ///
    /// [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](crate::ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let region = super::of_endpoint::<T>(&fd)?;
        let lease = Lease::adopt(fd, super::seating(&region).senders)?;
        Publisher::new(&region, lease)
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

    /// Another subscriber of this channel: everything that is sent from now on is for it too.
    ///
    /// # Errors
    ///
    /// As for [`Channel::subscriber`].
    pub fn subscriber(&self) -> Result<Subscriber<T>> {
        Subscriber::join(self.endpoint.region())
    }

    /// A descriptor that polls as readable when there may be room, for an event loop; see
    /// [`Readiness`]. Where messages are overwritten there always is.
    ///
    /// # Errors
    ///
    /// [`LimitReached`](crate::ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoint.readiness()
    }

    /// How this end waits for room from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoint.set_wait_strategy(waiting);
    }

    /// Sends a message. Where subscribers hold the publisher back, it waits until the slowest has made room; where messages
    /// are overwritten, it never waits. When it returns without error, every subscriber that is there gets the message or is
    /// told that it missed it, whatever happens to this process.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if all subscribers have gone (while none has ever come, the message
    /// goes nowhere); [`Corrupted`](crate::ErrorKind::Corrupted) if what one says of itself cannot be. The message comes back.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.send_until(message, || Deadline::NEVER)
    }

    /// [`send`](Publisher::send) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), SendError<T>> {
        let wire = message.to_wire();
        let sent = match self.push(&wire) {
            Ok(true) => return Ok(()),
            Ok(false) => self.finish_try(),
            Err(error) => Err(error),
        };
        sent.map_err(|error| SendError::new(message, error))
    }

    /// [`send`](Publisher::send) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.send_until(message, || Deadline::after(timeout))
    }

    /// Sends all messages, and waits as often as it has to. Cheaper than one by one.
    ///
    /// # Errors
    ///
    /// As for [`send`](Publisher::send), with the number of those that were sent, which are the first.
    pub fn send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.send_all_until(messages, Deadline::NEVER)
    }

    /// [`send_all`](Publisher::send_all) that sends those that there is room for, and fails with
    /// [`Full`](crate::ErrorKind::Full) if these are not all.
    pub fn try_send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        let mut sent = 0;
        while sent < messages.len() {
            let now = self.push_all(&messages[sent..]).map_err(|e| SendAllError::new(sent, e))?;
            if now == 0 {
                return self.finish_try().map_err(|e| SendAllError::new(sent, e));
            }
            sent += now;
        }
        Ok(())
    }

    /// [`send_all`](Publisher::send_all) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if not all could be sent
    /// within `timeout`.
    pub fn send_all_timeout(&mut self, messages: &[T], timeout: Duration) -> Result<(), SendAllError> {
        self.send_all_until(messages, Deadline::after(timeout))
    }

    /// The next place in the channel, to write a message there instead of copying it; waits for room as
    /// [`send`](Publisher::send) does. It is sent by [`commit`](Loan::commit).
    ///
    /// Where messages are overwritten, the oldest is gone when this returns.
    ///
    /// ```
    /// use ipcraft::channel::broadcast;
    ///
    /// let (mut publisher, mut subscriber) = broadcast::channel::<[u8; 4096]>(4)?;
    /// let mut frame = publisher.loan()?;
    /// frame.write_at(0, b"header")?;
    /// frame.commit();
    ///
    /// let frame = subscriber.recv_in_place()?;
    /// let mut start = [0; 6];
    /// frame.read_at(0, &mut start)?;
    /// assert_eq!(&start, b"header");
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`send`](Publisher::send).
    pub fn loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_until(Deadline::NEVER)
    }

    /// [`loan`](Publisher::loan) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    pub fn try_loan(&mut self) -> Result<Loan<'_, T>> {
        self.check_subscribers()?;
        match self.writer.slot_ptr() {
            Ok(Some(_)) => {}
            Ok(None) => self.finish_try()?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        }
        Loan::new(&mut self.writer, &mut self.endpoint)
    }

    /// [`loan`](Publisher::loan) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    pub fn loan_timeout(&mut self, timeout: Duration) -> Result<Loan<'_, T>> {
        self.loan_until(Deadline::after(timeout))
    }

    fn loan_until(&mut self, deadline: Deadline) -> Result<Loan<'_, T>> {
        self.check_subscribers()?;
        let cursors = self.writer.cursors();
        self.endpoint.wait(deadline, || self.writer.slot_ptr(), |lease| cursors.reclaim_dead(lease))?;
        Loan::new(&mut self.writer, &mut self.endpoint)
    }

    /// To be asked before each message. Whoever died holds nobody back from then on.
    #[inline]
    fn check_subscribers(&mut self) -> Result<()> {
        let cursors = self.writer.cursors();
        self.endpoint.check_receivers(|lease| cursors.reclaim_dead(lease))
    }

    fn finish_try(&mut self) -> Result<()> {
        let cursors = self.writer.cursors();
        self.endpoint.finish_try(|| Ok(None), |lease| cursors.reclaim_dead(lease))
    }

    #[inline]
    fn send_until(&mut self, message: T, deadline: impl FnOnce() -> Deadline) -> Result<(), SendError<T>> {
        let wire = message.to_wire();
        let sent = match self.push(&wire) {
            Ok(true) => return Ok(()),
            Ok(false) => self.push_blocking(&wire, deadline()),
            Err(error) => Err(error),
        };
        sent.map_err(|error| SendError::new(message, error))
    }

    /// Sends if there is room now.
    #[inline]
    fn push(&mut self, wire: &T::Wire) -> Result<bool> {
        self.check_subscribers()?;
        match self.writer.push(wire) {
            Ok(Some(())) => {
                self.endpoint.notify();
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    #[inline(never)]
    fn push_blocking(&mut self, wire: &T::Wire, deadline: Deadline) -> Result<()> {
        let cursors = self.writer.cursors();
        self.endpoint.wait(deadline, || self.writer.push(wire), |lease| cursors.reclaim_dead(lease))?;
        self.endpoint.notify();
        Ok(())
    }

    /// Sends some of what there is room for now, and says how many; none if there is no room.
    #[inline]
    fn push_all(&mut self, messages: &[T]) -> Result<usize> {
        self.check_subscribers()?;
        match T::with_wires(messages, |wires| self.writer.push_all(wires)) {
            Ok(sent) => {
                self.endpoint.notify();
                Ok(sent.unwrap_or(0))
            }
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    fn send_all_until(&mut self, messages: &[T], deadline: Deadline) -> Result<(), SendAllError> {
        let mut sent = 0;
        while sent < messages.len() {
            let now = self.push_all(&messages[sent..]).map_err(|e| SendAllError::new(sent, e))?;
            sent += now;
            if now == 0 {
                let waited = self.push_blocking(&messages[sent].to_wire(), deadline);
                waited.map_err(|e| SendAllError::new(sent, e))?;
                sent += 1;
            }
        }
        Ok(())
    }
}
