//! A sending end.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::recovery::Recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::mpmc::{Channel, LEASES, Loan};
use crate::channel::ring::Corrupt;
use crate::channel::ring::mpmc::Writer;
use crate::channel::send_error::{SendAllError, SendError};
use crate::channel::shared::region::SharedRegion;
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::Result;
use crate::time::Deadline;

/// One of the ends that send. It may go to another thread, and is used by one at a time; for another thread, take another.
///
/// When the last one is dropped, or dies with its process, that ends what receivers get after the last message. New ones
/// may be taken from the [channel](Channel) at any time.
#[derive(Debug)]
pub struct Sender<T: Message> {
    writer: Writer,
    recovery: Recovery,
    endpoint: Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Sender<T> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let slots = super::slots::<T>(region)?;
        let recovery = Recovery::new(region, slots);
        recovery.reclaim_predecessor(&lease)?;
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let writer = unsafe { Writer::resume(slots, region.control(0), endpoint.lease_id()) };
        let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Sender { writer, recovery, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and takes a sending end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and those of [`Channel::sender`].
    pub fn open(name: &str) -> Result<Self> {
        Channel::<T>::open(name)?.sender()
    }

    /// Takes over this end from a process that gave its [descriptor](Sender::into_fd) away.
    ///
    /// # Errors
    ///
    /// [`WrongType`](crate::ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](crate::ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt::<T>(fd, LEASES.senders)?;
        Sender::new(&region, lease)
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

    /// A descriptor that polls as readable when there may be room, for an event loop; see
    /// [`Readiness`]. Another sender may come first.
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

    /// Sends a message, and waits for room if there is none. When it returns without error, the message is in the
    /// channel, whatever happens to this process; one receiver gets it, after what this end sent before.
    ///
    /// A process that dies inside of it has sent the whole message or nothing.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if all receivers are gone, and
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if what is in the channel cannot be. The message comes back.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        self.send_until(message, || Deadline::NEVER)
    }

    /// [`send`](Sender::send) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), SendError<T>> {
        let wire = message.to_wire();
        match self.push(&wire) {
            Ok(true) => Ok(()),
            Ok(false) => match self.endpoint.finish_try(|| Ok(None), |own| self.recovery.reclaim_all(own)) {
                Ok(()) => Ok(()),
                Err(error) => Err(SendError::new(message, error)),
            },
            Err(error) => Err(SendError::new(message, error)),
        }
    }

    /// [`send`](Sender::send) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.send_until(message, || Deadline::after(timeout))
    }

    /// Sends all messages, and waits for room as often as there is none. Cheaper than one by one; those of other senders
    /// may come in between.
    ///
    /// # Errors
    ///
    /// As for [`send`](Sender::send), with the number of those that were sent, which are the first.
    pub fn send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        self.send_all_until(messages, Deadline::NEVER)
    }

    /// [`send_all`](Sender::send_all) that sends those that there is room for, and fails with [`Full`](crate::ErrorKind::Full)
    /// if these are not all.
    pub fn try_send_all(&mut self, messages: &[T]) -> Result<(), SendAllError> {
        let sent = self.push_all(messages).map_err(|e| SendAllError::new(0, e))?;
        if sent == messages.len() {
            return Ok(());
        }
        let refused = self.endpoint.finish_try(|| Ok(None), |own| self.recovery.reclaim_all(own));
        refused.map_err(|e| SendAllError::new(sent, e))
    }

    /// [`send_all`](Sender::send_all) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if not all could be sent within
    /// `timeout`.
    pub fn send_all_timeout(&mut self, messages: &[T], timeout: Duration) -> Result<(), SendAllError> {
        self.send_all_until(messages, Deadline::after(timeout))
    }

    /// A place in the channel, to write a message there instead of copying it; waits for room if there is none. It is sent
    /// by [`commit`](Loan::commit), and what others send meanwhile waits for it.
    ///
    /// ```
    /// use ipcraft::channel::mpmc;
    ///
    /// let (mut sender, mut receiver) = mpmc::channel::<[u8; 4096]>(4)?;
    /// let mut frame = sender.loan()?;
    /// frame.write_at(0, b"header")?;
    /// frame.commit();
    ///
    /// let frame = receiver.recv_in_place()?;
    /// let mut start = [0; 6];
    /// frame.read_at(0, &mut start)?;
    /// assert_eq!(&start, b"header");
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`send`](Sender::send).
    pub fn loan(&mut self) -> Result<Loan<'_, T>> {
        self.loan_until(Deadline::NEVER)
    }

    /// [`loan`](Sender::loan) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    pub fn try_loan(&mut self) -> Result<Loan<'_, T>> {
        self.endpoint.check_receivers(|own| self.recovery.reclaim_all(own))?;
        match self.writer.claim() {
            Ok(Some(())) => {}
            Ok(None) => self.endpoint.finish_try(|| Ok(None), |own| self.recovery.reclaim_all(own))?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        }
        Loan::new(&mut self.writer, &mut self.endpoint)
    }

    /// [`loan`](Sender::loan) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    pub fn loan_timeout(&mut self, timeout: Duration) -> Result<Loan<'_, T>> {
        self.loan_until(Deadline::after(timeout))
    }

    fn loan_until(&mut self, deadline: Deadline) -> Result<Loan<'_, T>> {
        self.endpoint.check_receivers(|own| self.recovery.reclaim_all(own))?;
        let recover = |own: &Lease| self.recovery.reclaim_all(own);
        self.endpoint.wait(deadline, || self.writer.claim(), recover)?;
        self.cascade_wake();
        Loan::new(&mut self.writer, &mut self.endpoint)
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
        self.endpoint.check_receivers(|own| self.recovery.reclaim_all(own))?;
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
        let recover = |own: &Lease| self.recovery.reclaim_all(own);
        self.endpoint.wait(deadline, || self.writer.push(wire), recover)?;
        self.endpoint.notify();
        self.cascade_wake();
        Ok(())
    }

    /// Whoever was woken wakes another if there is room for him too: rings may have gone to those who could not use the
    /// room yet.
    fn cascade_wake(&mut self) {
        if self.writer.has_more() {
            self.endpoint.notify_own_side();
        }
    }

    /// Sends what there is room for now, and says how many.
    #[inline]
    fn push_all(&mut self, messages: &[T]) -> Result<usize> {
        self.endpoint.check_receivers(|own| self.recovery.reclaim_all(own))?;
        let mut sent = 0;
        let result = self.push_each(messages, &mut sent);
        match sent {
            0 => {}
            1 => drop(self.endpoint.notify()),
            _ => self.endpoint.notify_all(),
        }
        result.map(|()| sent)
    }

    #[inline]
    fn push_each(&mut self, messages: &[T], sent: &mut usize) -> Result<()> {
        for message in messages {
            match self.writer.push(&message.to_wire()) {
                Ok(Some(())) => *sent += 1,
                Ok(None) => break,
                Err(Corrupt) => return Err(self.endpoint.corrupted()),
            }
        }
        Ok(())
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
