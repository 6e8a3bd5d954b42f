//! Records that are written and read in place.

#![allow(unsafe_code)]

use crate::channel::Payload;
use crate::channel::core::{Core, RawLoan, payload_deref};
use crate::channel::ring::bytes::{Reader, Writer};
use crate::channel::ring::record::{Record, Reservation};
use crate::error::{ErrorKind, Limit, Result};

/// Space for a record that has not been sent yet. It contains the bytes of earlier records, or
/// zeros.
///
/// If the loan is dropped, or the process dies, nothing is sent, and the next record gets the same
/// space.
#[must_use = "a loan that is not committed is not sent"]
pub struct Loan<'a> {
    raw: RawLoan<'a, Writer>,
    reservation: Reservation,
}

impl<'a> Loan<'a> {
    pub(super) fn new(core: &'a mut Core<Writer>, reservation: Reservation) -> Self {
        let start = core.ring.slot_ptr(&reservation);
        // SAFETY: because the ring reserved this many bytes from `start` on.
        let raw = unsafe { RawLoan::new(core, start, reservation.record.length) };
        Loan { raw, reservation }
    }

    /// Sends the record. When it returns, the record is in the channel, even if this process dies.
    #[inline]
    pub fn commit(self) {
        self.raw.core.ring.finish(&self.reservation);
        self.raw.commit();
    }

    /// Sends the first `length` bytes as the record, and releases the rest of the space.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](ErrorKind::Invalid) if the loan is shorter. Nothing is sent.
    #[inline]
    pub fn commit_len(mut self, length: usize) -> Result<()> {
        let value = self.raw.payload.len() as u64;
        if length as u64 > value {
            let limit = Limit { name: "the length of the loan", value, requested: Some(length as u64) };
            return Err(self.raw.core.endpoint.error(ErrorKind::Invalid).with_limit(Some(limit)));
        }
        self.reservation = self.reservation.shortened(length);
        self.commit();
        Ok(())
    }
}

payload_deref!(Loan<'a>, raw.payload);

impl std::fmt::Debug for Loan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loan").field("endpoint", &self.raw.core.endpoint).finish_non_exhaustive()
    }
}

/// A record that is read in place. Dropping this value frees its space.
///
/// If the process dies earlier, the next receiver gets the record.
pub struct Received<'a> {
    payload: Payload<'a>,
    core: &'a mut Core<Reader>,
    record: Record,
}

impl<'a> Received<'a> {
    pub(super) fn new(core: &'a mut Core<Reader>, record: Record) -> Self {
        // SAFETY: because a record that was found is within the ring, the ring is mapped while the
        // core is borrowed, and no reference to the record exists.
        let payload = unsafe { Payload::new(core.ring.slot_ptr(&record), record.length) };
        Received { payload, core, record }
    }
}

payload_deref!(Received<'a>, payload);

impl std::fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received").field("endpoint", &self.core.endpoint).finish_non_exhaustive()
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        self.core.ring.skip(self.record.end);
        self.core.ring.publish();
        self.core.notify();
    }
}
