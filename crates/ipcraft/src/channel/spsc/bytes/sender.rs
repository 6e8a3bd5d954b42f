//! The sending endpoint.

#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::{Bytes, Channel, Loan};
use crate::channel::core::{Core, Forever, Never, NoRecovery, Patience, Within, endpoint_methods};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::endpoint::lease::Lease;
use crate::channel::endpoint::{Endpoint, Role};
use crate::channel::handle;
use crate::channel::ring::Corrupt;
use crate::channel::ring::bytes::Writer;
use crate::channel::ring::record::WORD;
use crate::channel::send_error::SendAllError;
use crate::channel::shared::region::SharedRegion;
use crate::channel::spsc::LEASES;
use crate::error::{Error, ErrorKind, Limit, Result};

/// The only sending endpoint. It may move to another thread (`Send`), but is not shared (not
/// `Sync`).
///
/// After the sender is dropped, or its process dies, the receiver gets the remaining records and
/// then `Disconnected`. A new sender opened from the [channel](Channel) continues after the last
/// record.
pub struct Sender {
    core: Core<Writer>,
}

impl Sender {
    pub(crate) fn new(region: &Arc<SharedRegion>, lease: Lease) -> Result<Self> {
        let endpoint = Endpoint::new(region.clone(), 0, Arc::new(lease), Role::Sender, &LEASES)?;
        let slots = super::slots(region)?;
        // SAFETY: because `endpoint` keeps the region mapped, the region contains the control
        // block, and the slots are words.
        let writer = unsafe { Writer::resume(slots, region.control(0)) };
        let writer = writer.map_err(|Corrupt| endpoint.corrupted())?;
        Ok(Sender { core: Core::new(writer, NoRecovery, endpoint) })
    }

    /// Opens the channel of this name, and its sending endpoint.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`](crate::channel::Options::open), and [`InUse`](ErrorKind::InUse)
    /// if another sender exists.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        Channel::open(name)?.sender()
    }

    /// Takes over the endpoint that was [converted](Sender::into_fd) to this descriptor.
    ///
    /// # Errors
    ///
    /// Fails with [`WrongType`](ErrorKind::WrongType) if the descriptor is not such an endpoint;
    /// [`InUse`](ErrorKind::InUse) if it was closed in the meantime and another sender was opened.
    /// On error, the descriptor is closed.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let (region, lease) = handle::adopt::<Bytes>(fd, |_| LEASES.senders, "open sender")?;
        Sender::new(&region, lease)
    }

    endpoint_methods!(core.endpoint, "space");

    /// Returns how many bytes of the [capacity](Sender::capacity) are taken by records that were not
    /// received, headers and padding included.
    ///
    /// The receiver may take some at any time, so the number may be too large when this returns.
    pub fn len(&self) -> usize {
        self.core.ring.len() as usize * WORD
    }

    /// Returns whether every record that was sent has been received.
    ///
    /// The receiver may take some at any time, so the answer may be out of date when this returns.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the largest length of a record in bytes. It is half of the capacity less 64, and at
    /// most 2 GiB.
    pub fn max_message_len(&self) -> usize {
        self.core.ring.max_message_len()
    }

    /// Sends a record, blocking while there is no space for it.
    ///
    /// When it returns without an error, the record is in the channel, even if this process dies.
    /// On error, no part of it is in the channel.
    ///
    /// # Errors
    ///
    /// Fails with [`TooLarge`](ErrorKind::TooLarge) above
    /// [`max_message_len`](Sender::max_message_len), which is the [limit](Error::limit);
    /// [`Disconnected`](ErrorKind::Disconnected) if the receiver has left;
    /// [`Corrupted`](ErrorKind::Corrupted) if the shared state is invalid.
    #[inline]
    pub fn send(&mut self, record: &[u8]) -> Result<()> {
        self.send_with(record, Forever)
    }

    /// [`send`](Sender::send) that fails with [`Full`](ErrorKind::Full) instead of blocking.
    #[inline]
    pub fn try_send(&mut self, record: &[u8]) -> Result<()> {
        self.send_with(record, Never)
    }

    /// [`send`](Sender::send) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no
    /// space within `timeout`.
    #[inline]
    pub fn send_timeout(&mut self, record: &[u8], timeout: Duration) -> Result<()> {
        self.send_with(record, Within(timeout))
    }

    #[inline]
    fn send_with(&mut self, record: &[u8], patience: impl Patience) -> Result<()> {
        self.check_length(record.len())?;
        // Written out, because `Core::push_fast` takes 74 instructions here instead of 73: it keeps
        // the doorbell across the copy of the record.
        let Core { ring, endpoint, .. } = &mut self.core;
        if endpoint.may_send() && ring.push(record, endpoint.inline_requested()) == Ok(Some(())) {
            self.core.notify();
            return Ok(());
        }
        self.send_slow(record, patience)
    }

    #[inline(never)]
    fn send_slow(&mut self, record: &[u8], patience: impl Patience) -> Result<()> {
        self.core.push_slow(record, patience)
    }

    /// Sends one record that consists of several parts, blocking while there is no space for it.
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
        self.send_vectored_with(parts, Forever)
    }

    /// [`send_vectored`](Sender::send_vectored) that fails with [`Full`](ErrorKind::Full) instead
    /// of blocking.
    pub fn try_send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<()> {
        self.send_vectored_with(parts, Never)
    }

    /// [`send_vectored`](Sender::send_vectored) that fails with [`TimedOut`](ErrorKind::TimedOut)
    /// if there is no space within `timeout`.
    pub fn send_vectored_timeout(&mut self, parts: &[IoSlice<'_>], timeout: Duration) -> Result<()> {
        self.send_vectored_with(parts, Within(timeout))
    }

    fn send_vectored_with(&mut self, parts: &[IoSlice<'_>], patience: impl Patience) -> Result<()> {
        let length = parts.iter().fold(0, |length: usize, part| length.saturating_add(part.len()));
        let mut loan = self.loan_with(length, patience)?;
        let mut offset = 0;
        for part in parts {
            loan.write_at(offset, part)?;
            offset += part.len();
        }
        loan.commit();
        Ok(())
    }

    /// Sends all records, blocking while there is no space. This is cheaper than one call for each.
    ///
    /// # Errors
    ///
    /// As for [`send`](Sender::send). The error contains the number of sent records, counted from
    /// the first.
    pub fn send_all<B: AsRef<[u8]>>(&mut self, records: &[B]) -> Result<(), SendAllError> {
        self.send_all_with(records, Forever)
    }

    /// [`send_all`](Sender::send_all) that sends what fits, and fails with
    /// [`Full`](ErrorKind::Full) if that is not the whole batch.
    pub fn try_send_all<B: AsRef<[u8]>>(&mut self, records: &[B]) -> Result<(), SendAllError> {
        self.send_all_with(records, Never)
    }

    /// [`send_all`](Sender::send_all) that fails with [`TimedOut`](ErrorKind::TimedOut) if not all
    /// records could be sent within `timeout`.
    pub fn send_all_timeout<B: AsRef<[u8]>>(
        &mut self,
        records: &[B],
        timeout: Duration,
    ) -> Result<(), SendAllError> {
        self.send_all_with(records, Within(timeout))
    }

    fn send_all_with<B: AsRef<[u8]>>(
        &mut self,
        records: &[B],
        patience: impl Patience,
    ) -> Result<(), SendAllError> {
        let patience = patience.start();
        let mut sent = 0;
        while sent < records.len() {
            let now = self.send_some(&records[sent..], patience);
            sent += now.map_err(|error| SendAllError::new(sent, error))?;
        }
        Ok(())
    }

    /// Sends at least the first of these records, and returns the number of sent records.
    #[inline]
    fn send_some<B: AsRef<[u8]>>(&mut self, records: &[B], patience: impl Patience) -> Result<usize> {
        self.core.check_peers()?;
        match self.core.ring.push_many(records) {
            Ok(Some(sent)) => {
                self.core.notify();
                Ok(sent)
            }
            Ok(None) => self.send_with(records[0].as_ref(), patience).map(|()| 1),
            Err(Corrupt) => Err(self.core.endpoint.corrupted()),
        }
    }

    /// Reserves space for a record of `length` bytes, for writing it in place. Blocks while there
    /// is no space.
    ///
    /// [`commit`](Loan::commit) sends the record.
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
        self.loan_with(length, Forever)
    }

    /// [`loan`](Sender::loan) that fails with [`Full`](ErrorKind::Full) instead of blocking.
    pub fn try_loan(&mut self, length: usize) -> Result<Loan<'_>> {
        self.loan_with(length, Never)
    }

    /// [`loan`](Sender::loan) that fails with [`TimedOut`](ErrorKind::TimedOut) if there is no
    /// space within `timeout`.
    pub fn loan_timeout(&mut self, length: usize, timeout: Duration) -> Result<Loan<'_>> {
        self.loan_with(length, Within(timeout))
    }

    fn loan_with(&mut self, length: usize, patience: impl Patience) -> Result<Loan<'_>> {
        self.check_length(length)?;
        self.core.check_peers()?;
        let reservation = self.core.attempt(patience, |ring| ring.reserve(length))?;
        Ok(Loan::new(&mut self.core, reservation))
    }

    #[inline]
    fn check_length(&self, length: usize) -> Result<()> {
        if length > self.max_message_len() { Err(self.too_large(length)) } else { Ok(()) }
    }

    #[cold]
    fn too_large(&self, length: usize) -> Error {
        let value = self.max_message_len() as u64;
        let limit = Limit { name: "max_message_len", value, requested: Some(length as u64) };
        self.core.endpoint.error(ErrorKind::TooLarge).with_limit(Some(limit))
    }
}

debug_by_endpoint! {
    Sender core.endpoint;
}
