//! Records that are written and read where they lie.

#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};

use crate::channel::Payload;
use crate::channel::endpoint::Endpoint;
use crate::channel::ring::bytes::{Reader, Writer};
use crate::channel::ring::record::{Record, Reservation};
use crate::error::{ErrorKind, Limit, Result};

/// Room for a record that has not been sent yet. It has the bytes of earlier records, or zeros.
///
/// Dropping it, or dying with it, sends nothing; the next record gets the same room.
#[derive(Debug)]
#[must_use = "what is not committed is not sent"]
pub struct Loan<'a> {
    payload: Payload<'a>,
    writer: &'a mut Writer,
    endpoint: &'a mut Endpoint,
    reservation: Reservation,
}

impl<'a> Loan<'a> {
    /// The room that there is, as the caller found.
    pub(crate) fn new(writer: &'a mut Writer, endpoint: &'a mut Endpoint, reservation: Reservation) -> Self {
        // SAFETY: because a plan is within the ring, which is mapped for as long as the end lives, and no reference to what
        // is there exists.
        let payload = unsafe { Payload::new(writer.slot_ptr(&reservation), reservation.record.length) };
        Loan { payload, writer, endpoint, reservation }
    }

    /// Sends the record. When it returns, the record is in the channel, whatever happens to this process.
    #[inline]
    pub fn commit(self) {
        self.writer.finish(&self.reservation);
        self.writer.commit();
        self.endpoint.notify();
    }

    /// Sends the first `length` bytes as the record, and gives the rest of the room back.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if there are not so many; nothing was sent.
    #[inline]
    pub fn commit_len(mut self, length: usize) -> Result<()> {
        if length > self.payload.len() {
            let limit = Limit {
                name: "the length of the loan",
                value: self.payload.len() as u64,
                requested: Some(length as u64),
            };
            return Err(self.endpoint.error(ErrorKind::Invalid).with_limit(Some(limit)));
        }
        self.reservation = self.reservation.shortened(length);
        self.commit();
        Ok(())
    }
}

impl<'a> Deref for Loan<'a> {
    type Target = Payload<'a>;

    fn deref(&self) -> &Payload<'a> {
        &self.payload
    }
}

impl DerefMut for Loan<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.payload
    }
}

/// A record that is read where it lies. Its room becomes free when this is dropped.
///
/// The process that dies with it has not received it: the next receiver does.
#[derive(Debug)]
pub struct Received<'a> {
    payload: Payload<'a>,
    reader: &'a mut Reader,
    endpoint: &'a mut Endpoint,
    record: Record,
}

impl<'a> Received<'a> {
    /// The record that there is, as the caller found.
    pub(crate) fn new(reader: &'a mut Reader, endpoint: &'a mut Endpoint, record: Record) -> Self {
        // SAFETY: because a record that was found is within the ring, which is mapped for as long as the end lives, and no
        // reference to what is there exists.
        let payload = unsafe { Payload::new(reader.slot_ptr(&record), record.length) };
        Received { payload, reader, endpoint, record }
    }
}

impl<'a> Deref for Received<'a> {
    type Target = Payload<'a>;

    fn deref(&self) -> &Payload<'a> {
        &self.payload
    }
}

impl DerefMut for Received<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.payload
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        self.reader.skip(self.record.end);
        self.reader.publish();
        self.endpoint.notify();
    }
}
