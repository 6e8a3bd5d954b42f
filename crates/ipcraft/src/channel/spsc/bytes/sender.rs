//! The sending end.

#![allow(unsafe_code)]

use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::no_recovery;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::ring::Corrupt;
use crate::channel::ring::bytes::Writer;
use crate::channel::send_error::SendAllError;
use crate::channel::shared::region::SharedRegion;
use crate::channel::spsc::bytes::{Channel, LEASES, Loan};
use crate::channel::{Readiness, WaitStrategy};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::time::Deadline;

/// The one end that sends. It may go to another thread, and is used by one at a time.
///
/// Dropping it, and the death of its process, ends what the receiver gets after the last record; a new one may then be
/// taken from the [channel](Channel), and goes on.
#[derive(Debug)]
pub struct Sender {
    writer: Writer,
    endpoint: Endpoint,
}

impl Sender {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        let slots = super::slots(region)?;
        // SAFETY: because `endpoint` keeps the region, which keeps the flow, and the slots are words.
        let writer = unsafe { Writer::resume(slots, region.control(0)) };
        let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Sender { writer, endpoint })
    }

    /// Opens the channel of this name and takes this end of it.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse) if somebody has it.
    pub fn open(name: &str) -> Result<Self> {
        Channel::open(name)?.sender()
    }

    /// Takes over this end from a process that gave its [descriptor](Sender::into_fd) away.
    ///
    /// # Errors
    ///
    /// [`WrongType`](ErrorKind::WrongType) if the descriptor is not that of such an end; [`InUse`](ErrorKind::InUse) if
    /// somebody has taken its place meanwhile. The descriptor is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = super::adopt(fd, LEASES.senders)?;
        Sender::new(&region, lease)
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

    /// A descriptor that polls as readable when there may be room, for an event loop; see
    /// [`Readiness`].
    ///
    /// # Errors
    ///
    /// [`LimitReached`](ErrorKind::LimitReached) if there is no room for a descriptor or a thread.
    pub fn readiness(&self) -> Result<Readiness> {
        self.endpoint.readiness()
    }

    /// How this end waits for room from now on; [`Adaptive`](WaitStrategy::Adaptive) if nothing is said.
    pub fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.endpoint.set_wait_strategy(waiting);
    }

    /// How many bytes a record can have: half of the capacity less 64, and never more than 2 GiB.
    pub fn max_message_len(&self) -> usize {
        self.writer.max_message_len()
    }

    /// Sends a record, and waits for room if there is none. When it returns without error, the record is in the channel,
    /// whatever happens to this process; with an error, nothing of it is.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ErrorKind::TooLarge) above the [longest](Sender::max_message_len), which the [limit](Error::limit) tells;
    /// [`Disconnected`](ErrorKind::Disconnected) if the receiver is gone, and [`Corrupted`](ErrorKind::Corrupted) if what
    /// it says of itself cannot be.
    #[inline]
    pub fn send(&mut self, record: &[u8]) -> Result<()> {
        self.send_until(record, || Deadline::NEVER)
    }

    /// [`send`](Sender::send) that fails with [`Full`](ErrorKind::Full) instead of waiting.
    #[inline]
    pub fn try_send(&mut self, record: &[u8]) -> Result<()> {
        if self.push(record)? { Ok(()) } else { self.endpoint.finish_try(|| Ok(None), no_recovery) }
    }

    /// [`send`](Sender::send) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no room within `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, record: &[u8], timeout: Duration) -> Result<()> {
        self.send_until(record, || Deadline::after(timeout))
    }

    /// Sends one record that lies in several parts, and waits for room if there is none.
    ///
    /// ```
    /// use std::io::IoSlice;
    ///
    /// let (mut sender, mut receiver) = ipcraft::channel::spsc::bytes::channel(4096)?;
    /// sender.send_vectored(&[IoSlice::new(b"head"), IoSlice::new(b"body")])?;
    /// let mut record = [0; 16];
    /// assert_eq!(receiver.recv_into(&mut record)?, 8);
    /// assert_eq!(&record[..8], b"headbody");
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`send`](Sender::send).
    pub fn send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<()> {
        self.send_vectored_until(parts, Self::loan)
    }

    /// [`send_vectored`](Sender::send_vectored) that fails with [`Full`](ErrorKind::Full) instead of waiting.
    pub fn try_send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<()> {
        self.send_vectored_until(parts, Self::try_loan)
    }

    /// [`send_vectored`](Sender::send_vectored) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no room within
    /// `timeout`.
    pub fn send_vectored_timeout(&mut self, parts: &[IoSlice<'_>], timeout: Duration) -> Result<()> {
        self.send_vectored_until(parts, |sender, length| sender.loan_timeout(length, timeout))
    }

    fn send_vectored_until<'a>(
        &'a mut self,
        parts: &[IoSlice<'_>],
        loan: impl FnOnce(&'a mut Self, usize) -> Result<Loan<'a>>,
    ) -> Result<()> {
        let length = parts.iter().fold(0, |length: usize, part| length.saturating_add(part.len()));
        let mut loan = loan(self, length)?;
        let mut offset = 0;
        for part in parts {
            loan.write_at(offset, part)?;
            offset += part.len();
        }
        loan.commit();
        Ok(())
    }

    /// Sends all records, and waits for room as often as there is none. Cheaper than one by one.
    ///
    /// # Errors
    ///
    /// As for [`send`](Sender::send), with the number of those that were sent, which are the first.
    pub fn send_all<B: AsRef<[u8]>>(&mut self, records: &[B]) -> Result<(), SendAllError> {
        self.send_all_until(records, Deadline::NEVER)
    }

    /// [`send_all`](Sender::send_all) that sends those that there is room for, and fails with [`Full`](ErrorKind::Full) if
    /// these are not all.
    pub fn try_send_all<B: AsRef<[u8]>>(&mut self, records: &[B]) -> Result<(), SendAllError> {
        let sent = self.push_all(records).map_err(|e| SendAllError::new(0, e))?;
        match records.get(sent) {
            None => Ok(()),
            Some(next) => self.try_send(next.as_ref()).map_err(|e| SendAllError::new(sent, e)),
        }
    }

    /// [`send_all`](Sender::send_all) that fails with [`TimedOut`](ErrorKind::TimedOut) if not all could be sent within
    /// `timeout`.
    pub fn send_all_timeout<B: AsRef<[u8]>>(
        &mut self,
        records: &[B],
        timeout: Duration,
    ) -> Result<(), SendAllError> {
        self.send_all_until(records, Deadline::after(timeout))
    }

    /// Room in the channel for a record of so many bytes, to write it there instead of copying it; waits if there is none.
    /// It is sent by [`commit`](Loan::commit).
    ///
    /// ```
    /// let (mut sender, mut receiver) = ipcraft::channel::spsc::bytes::channel(4096)?;
    /// let mut line = sender.loan(80)?;
    /// line.write_at(0, b"short after all")?;
    /// line.commit_len(15)?;
    ///
    /// let line = receiver.recv_in_place()?;
    /// assert_eq!(line.to_vec(), b"short after all");
    /// # Ok::<(), ipcraft::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`send`](Sender::send).
    pub fn loan(&mut self, length: usize) -> Result<Loan<'_>> {
        self.loan_until(length, Deadline::NEVER)
    }

    /// [`loan`](Sender::loan) that fails with [`Full`](ErrorKind::Full) instead of waiting.
    pub fn try_loan(&mut self, length: usize) -> Result<Loan<'_>> {
        self.check(length)?;
        let reservation = match self.writer.reservation(length) {
            Ok(Some(reservation)) => reservation,
            Ok(None) => self.endpoint.finish_try(|| Ok(None), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        };
        Ok(Loan::new(&mut self.writer, &mut self.endpoint, reservation))
    }

    /// [`loan`](Sender::loan) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no room within `timeout`.
    pub fn loan_timeout(&mut self, length: usize, timeout: Duration) -> Result<Loan<'_>> {
        self.loan_until(length, Deadline::after(timeout))
    }

    fn loan_until(&mut self, length: usize, deadline: Deadline) -> Result<Loan<'_>> {
        self.check(length)?;
        let reservation = match self.writer.reservation(length) {
            Ok(Some(reservation)) => reservation,
            Ok(None) => self.endpoint.wait(deadline, || self.writer.reservation(length), no_recovery)?,
            Err(Corrupt) => return Err(self.endpoint.corrupted()),
        };
        Ok(Loan::new(&mut self.writer, &mut self.endpoint, reservation))
    }

    /// Whether such a record can be sent at all.
    #[inline]
    fn check(&mut self, length: usize) -> Result<()> {
        if length > self.writer.max_message_len() {
            return Err(self.too_large(length));
        }
        self.endpoint.check_receivers(no_recovery)
    }

    #[cold]
    fn too_large(&self, length: usize) -> Error {
        let limit = Limit {
            name: "the max_message_len record",
            value: self.max_message_len() as u64,
            requested: Some(length as u64),
        };
        self.endpoint.error(ErrorKind::TooLarge).with_limit(Some(limit))
    }

    #[inline]
    fn send_until(&mut self, record: &[u8], deadline: impl FnOnce() -> Deadline) -> Result<()> {
        if self.push(record)? { Ok(()) } else { self.push_blocking(record, deadline()) }
    }

    /// Sends if there is room now.
    #[inline]
    fn push(&mut self, record: &[u8]) -> Result<bool> {
        self.check(record.len())?;
        match self.writer.push(record, self.endpoint.inline_requested()) {
            Ok(Some(())) => {
                self.endpoint.notify();
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    #[inline(never)]
    fn push_blocking(&mut self, record: &[u8], deadline: Deadline) -> Result<()> {
        self.endpoint.wait(deadline, || self.writer.push(record, false), no_recovery)?;
        self.endpoint.notify();
        Ok(())
    }

    /// Sends what there is room for now, up to the first that is too long, and says how many.
    #[inline]
    fn push_all<B: AsRef<[u8]>>(&mut self, records: &[B]) -> Result<usize> {
        self.endpoint.check_receivers(no_recovery)?;
        match self.writer.push_all(records) {
            Ok(sent) => {
                self.endpoint.notify();
                Ok(sent.unwrap_or(0))
            }
            Err(Corrupt) => Err(self.endpoint.corrupted()),
        }
    }

    #[inline]
    fn send_all_until<B: AsRef<[u8]>>(
        &mut self,
        records: &[B],
        deadline: Deadline,
    ) -> Result<(), SendAllError> {
        let mut sent = 0;
        while sent < records.len() {
            let now = self.push_all(&records[sent..]).map_err(|e| SendAllError::new(sent, e))?;
            sent += now;
            if now == 0 {
                let one = self.send_until(records[sent].as_ref(), || deadline);
                one.map_err(|e| SendAllError::new(sent, e))?;
                sent += 1;
            }
        }
        Ok(())
    }
}
