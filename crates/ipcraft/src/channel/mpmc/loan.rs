//! Messages that are written and read where they lie.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::channel::endpoint::Endpoint;
use crate::channel::ring::mpmc::{Reader, Writer};
use crate::channel::{Message, Payload};
use crate::error::{ErrorKind, Result};

/// A place for a message that has not been sent yet. It has the bytes of an earlier message, or zeros.
///
/// What others send meanwhile comes after it, and waits for it. Dropping it, or dying with it, sends nothing, and what was
/// behind it goes on; so does leaking it, once the sender sends something else or is gone.
#[derive(Debug)]
#[must_use = "what is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    payload: Payload<'a>,
    writer: &'a mut Writer,
    endpoint: &'a mut Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    /// The place that the caller has claimed.
    pub(crate) fn new(writer: &'a mut Writer, endpoint: &'a mut Endpoint) -> Result<Self> {
        let start = writer.slot_ptr().ok_or_else(|| endpoint.error(ErrorKind::Full))?;
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
        let payload = unsafe { Payload::new(start, writer.size()) };
        Ok(Loan { payload, writer, endpoint, _type: PhantomData })
    }

    /// Writes a whole message.
    #[inline]
    pub fn set(&mut self, message: &T) {
        self.writer.write(&message.to_wire());
    }

    /// Sends the message. When it returns, the message is in the channel, whatever happens to this process.
    #[inline]
    pub fn commit(self) {
        self.writer.commit();
        self.endpoint.notify();
    }
}

impl<'a, T: Message> Deref for Loan<'a, T> {
    type Target = Payload<'a>;

    fn deref(&self) -> &Payload<'a> {
        &self.payload
    }
}

impl<T: Message> DerefMut for Loan<'_, T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.payload
    }
}

impl<T: Message> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        if self.writer.has_claim() {
            self.writer.skip();
        }
    }
}

/// A message that is read where it lies, and that nobody else gets. Its place becomes free when this is dropped.
///
/// The process that dies with it has not received it: another receiver does. So a job that is done while its message is
/// held is done at least once, whoever dies. Senders go on meanwhile until they come round to its place. One that is leaked
/// becomes free when its receiver receives something else.
#[derive(Debug)]
pub struct Received<'a, T: Message> {
    payload: Payload<'a>,
    reader: &'a mut Reader,
    endpoint: &'a mut Endpoint,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    /// The message that the caller has claimed.
    pub(crate) fn new(reader: &'a mut Reader, endpoint: &'a mut Endpoint) -> Result<Self> {
        let start = reader.slot_ptr().ok_or_else(|| endpoint.error(ErrorKind::Empty))?;
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
        let payload = unsafe { Payload::new(start, reader.size()) };
        Ok(Received { payload, reader, endpoint, _type: PhantomData })
    }

    /// A copy of the whole message.
    ///
    /// # Errors
    ///
    /// [`Corrupted`](ErrorKind::Corrupted) if the bytes are no value of the type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        self.reader.read().and_then(T::from_wire).ok_or_else(|| self.endpoint.corrupted())
    }
}

impl<'a, T: Message> Deref for Received<'a, T> {
    type Target = Payload<'a>;

    fn deref(&self) -> &Payload<'a> {
        &self.payload
    }
}

impl<T: Message> DerefMut for Received<'_, T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.payload
    }
}

impl<T: Message> Drop for Received<'_, T> {
    fn drop(&mut self) {
        self.reader.free();
        self.endpoint.notify();
    }
}
