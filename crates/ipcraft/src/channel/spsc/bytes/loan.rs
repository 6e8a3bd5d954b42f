//! Records that are written and read where they lie.

#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};

use super::record::{Plan, Record};
use super::ring::{Reader, Writer};
use crate::channel::Place;
use crate::channel::end::End;
use crate::error::{ErrorKind, Limit, Result};

/// Room for a record that has not been sent yet. It has the bytes of earlier records, or zeros.
///
/// Dropping it, or dying with it, sends nothing; the next record gets the same room.
#[derive(Debug)]
#[must_use = "what is not committed is not sent"]
pub struct Loan<'a> {
    place: Place<'a>,
    writer: &'a mut Writer,
    end: &'a mut End,
    plan: Plan,
}

impl<'a> Loan<'a> {
    /// The room that there is, as the caller found.
    pub(super) fn new(writer: &'a mut Writer, end: &'a mut End, plan: Plan) -> Self {
        // SAFETY: because a plan is within the ring, which is mapped for as long as the end lives, and no reference to what
        // is there exists.
        let place = unsafe { Place::new(writer.place(&plan), plan.record.length) };
        Loan { place, writer, end, plan }
    }

    /// Sends the record. When it returns, the record is in the channel, whatever happens to this process.
    #[inline]
    pub fn commit(self) {
        self.writer.finish(&self.plan);
        self.writer.commit();
        self.end.ring();
    }

    /// Sends the first `length` bytes as the record, and gives the rest of the room back.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if there are not so many; nothing was sent.
    #[inline]
    pub fn commit_len(mut self, length: usize) -> Result<()> {
        if length > self.place.len() {
            let limit = Limit {
                name: "the length of the loan",
                value: self.place.len() as u64,
                requested: Some(length as u64),
            };
            return Err(self.end.error(ErrorKind::Invalid).with_limit(Some(limit)));
        }
        self.plan = self.plan.shortened(length);
        self.commit();
        Ok(())
    }
}

impl<'a> Deref for Loan<'a> {
    type Target = Place<'a>;

    fn deref(&self) -> &Place<'a> {
        &self.place
    }
}

impl DerefMut for Loan<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.place
    }
}

/// A record that is read where it lies. Its room becomes free when this is dropped.
///
/// The process that dies with it has not received it: the next receiver does.
#[derive(Debug)]
pub struct Received<'a> {
    place: Place<'a>,
    reader: &'a mut Reader,
    end: &'a mut End,
    record: Record,
}

impl<'a> Received<'a> {
    /// The record that there is, as the caller found.
    pub(super) fn new(reader: &'a mut Reader, end: &'a mut End, record: Record) -> Self {
        // SAFETY: because a record that was found is within the ring, which is mapped for as long as the end lives, and no
        // reference to what is there exists.
        let place = unsafe { Place::new(reader.place(&record), record.length) };
        Received { place, reader, end, record }
    }
}

impl<'a> Deref for Received<'a> {
    type Target = Place<'a>;

    fn deref(&self) -> &Place<'a> {
        &self.place
    }
}

impl DerefMut for Received<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.place
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        self.reader.skip(self.record.end);
        self.reader.publish();
        self.end.ring();
    }
}
