//! The sending end.

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
use crate::channel::ring::spsc::Writer;
use crate::channel::send_error::{SendAllError, SendError};
use crate::channel::shared::region::SharedRegion;
use crate::channel::spsc::{Channel, LEASES, Loan};
use crate::channel::{Message, Readiness, WaitStrategy};
use crate::error::Result;
use crate::time::Deadline;

/// The one end that sends. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, ends what the receiver gets after the last message; a new one may then be
/// taken from the [channel](Channel), and goes on.
pub struct Sender<T: Message> {
    writer: Writer<T::Wire>,
    endpoint: Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<T: Message> Sender<T> {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        let slots = region.data_area().slot_array(0, region.config().capacity)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow.
        let writer = unsafe { Writer::resume(slots, region.control(0)) };
        let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Sender { writer, endpoint, _type: PhantomData })
    }

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](crate::ErrorKind::InUse) if somebody has it.
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

    /// A descriptor that polls as readable when there may be room, for an event loop; see [`Readiness`].
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
    /// channel, whatever happens to this process.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorKind::Disconnected) if the receiver is gone, and [`Corrupted`](crate::ErrorKind::Corrupted) if
    /// what it says of itself cannot be. The message comes back.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        if self.try_send_fast(&message) { Ok(()) } else { self.send_slow(message, Deadline::NEVER) }
    }

    /// [`send`](Sender::send) that fails with [`Full`](crate::ErrorKind::Full) instead of waiting.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), SendError<T>> {
        if self.try_send_fast(&message) { Ok(()) } else { self.try_send_slow(message) }
    }

    /// [`send`](Sender::send) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendError<T>> {
        if self.try_send_fast(&message) { Ok(()) } else { self.send_slow(message, Deadline::after(timeout)) }
    }

    /// Sends all messages, and waits for room as often as there is none. Cheaper than one by one.
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
        let mut sent = 0;
        while sent < messages.len() {
            let now = self.push_all(&messages[sent..]).map_err(|e| SendAllError::new(sent, e))?;
            if now == 0 {
                return self
                    .endpoint
                    .finish_try(|| Ok(None), no_recovery)
                    .map_err(|e| SendAllError::new(sent, e));
            }
            sent += now;
        }
        Ok(())
    }

    /// [`send_all`](Sender::send_all) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if not all could be sent within
    /// `timeout`.
    pub fn send_all_timeout(&mut self, messages: &[T], timeout: Duration) -> Result<(), SendAllError> {
        self.send_all_until(messages, Deadline::after(timeout))
    }

    /// The next place in the channel, to write a message there instead of copying it; waits for room if there is none.
    /// It is sent by [`commit`](Loan::commit).
    ///
    /// ```
    /// use ipcraft::channel::spsc;
    ///
    /// let (mut sender, mut receiver) = spsc::channel::<[u8; 4096]>(4)?;
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
        self.check_peer_if_due()?;
        match self.writer.slot_ptr() {
            Ok(Some(_)) => {}
            Ok(None) => self.endpoint.finish_try(|| Ok(None), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        }
        Loan::new(&mut self.writer, &mut self.endpoint)
    }

    /// [`loan`](Sender::loan) that fails with [`TimedOut`](crate::ErrorKind::TimedOut) if there is no room within `timeout`.
    pub fn loan_timeout(&mut self, timeout: Duration) -> Result<Loan<'_, T>> {
        self.loan_until(Deadline::after(timeout))
    }

    fn loan_until(&mut self, deadline: Deadline) -> Result<Loan<'_, T>> {
        self.check_peer_if_due()?;
        self.endpoint.wait(deadline, || self.writer.slot_ptr(), no_recovery)?;
        Loan::new(&mut self.writer, &mut self.endpoint)
    }

    /// Sends if there certainly is room and nothing has to be looked at first, as for most messages. Small enough to be
    /// a part of whatever calls it.
    #[inline]
    fn try_send_fast(&mut self, message: &T) -> bool {
        if self.needs_check() {
            return false;
        }
        // Found before the message is written, which for all that a compiler can know may change where it is.
        let doorbell = self.endpoint.peer_doorbell();
        self.writer.send(&message.to_wire(), self.endpoint.inline_requested());
        if !doorbell.no_waiters() {
            self.notify();
        }
        true
    }

    #[inline(never)]
    fn send_slow(&mut self, message: T, deadline: Deadline) -> Result<(), SendError<T>> {
        let sent = self.check_peer().and_then(|()| self.push_blocking(&message.to_wire(), deadline));
        sent.map_err(|error| SendError::new(message, error))
    }

    #[inline(never)]
    fn try_send_slow(&mut self, message: T) -> Result<(), SendError<T>> {
        self.check_and_push(&message.to_wire()).map_err(|error| SendError::new(message, error))
    }

    fn check_and_push(&mut self, wire: &T::Wire) -> Result<()> {
        self.check_peer()?;
        match self.writer.push(wire, self.endpoint.inline_requested()) {
            Ok(Some(())) => self.notify(),
            Ok(None) => return self.endpoint.finish_try(|| Ok(None), no_recovery),
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        }
        Ok(())
    }

    fn push_blocking(&mut self, wire: &T::Wire, deadline: Deadline) -> Result<()> {
        let with_inline = self.endpoint.inline_requested();
        self.endpoint.wait(deadline, || self.writer.push(wire, with_inline), no_recovery)?;
        self.notify();
        Ok(())
    }

    /// Whether the receiver has to be looked at before the next message.
    #[inline]
    fn needs_check(&self) -> bool {
        self.writer.needs_check() || self.endpoint.peer_status_changed()
    }

    /// Fails if the receiver is gone.
    #[inline(never)]
    fn check_peer(&mut self) -> Result<()> {
        self.endpoint.check_peer(no_recovery)?;
        self.writer.set_check_interval(self.endpoint.check_interval());
        Ok(())
    }

    /// [`check_peer`](Sender::check_peer), if it is time to.
    #[inline]
    fn check_peer_if_due(&mut self) -> Result<()> {
        if self.needs_check() { self.check_peer() } else { Ok(()) }
    }

    /// Wakes the receiver if it sleeps.
    #[inline(never)]
    fn notify(&mut self) {
        if self.endpoint.notify() {
            self.writer.force_check();
        }
    }

    /// Sends what there is room for now, and says how many.
    #[inline]
    fn push_all(&mut self, messages: &[T]) -> Result<usize> {
        if self.writer.needs_check_within(messages.len()) || self.endpoint.peer_status_changed() {
            self.check_peer()?;
        }
        match T::with_wires(messages, |wires| self.writer.push_all(wires)) {
            Ok(sent) => {
                self.notify();
                Ok(sent.unwrap_or(0))
            }
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    #[inline]
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

debug_by_endpoint! {
    Sender<T> endpoint;
}
