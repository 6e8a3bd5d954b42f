//! Messages that are written and read where they lie.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::channel::endpoint::Endpoint;
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::ring::Corrupt;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::{Message, Payload};
use crate::error::{ErrorKind, Result};

/// A place for a message that has not been sent yet. It has the bytes of an earlier message, or zeros.
///
/// Dropping it, or dying with it, sends nothing; the next message gets the same place.
#[must_use = "what is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    payload: Payload<'a>,
    writer: &'a mut Writer<T::Wire>,
    endpoint: &'a mut Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    /// The place that there is, as the caller found.
    pub(crate) fn new(writer: &'a mut Writer<T::Wire>, endpoint: &'a mut Endpoint) -> Result<Self> {
        let start = writer.slot_ptr().map_err(|Corrupt| endpoint.corrupted())?;
        let start = start.ok_or_else(|| endpoint.error(ErrorKind::Full))?;
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
        let payload = unsafe { Payload::new(start, size_of::<T::Wire>()) };
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
        self.writer.commit(1);
        if self.endpoint.notify() {
            self.writer.force_check();
        }
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

/// A message that is read where it lies. Its place becomes free when this is dropped.
///
/// The process that dies with it has not received it: the next receiver does.
pub struct Received<'a, T: Message> {
    payload: Payload<'a>,
    reader: &'a mut Reader<T::Wire>,
    endpoint: &'a mut Endpoint,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    /// The message that there is, as the caller found.
    pub(crate) fn new(reader: &'a mut Reader<T::Wire>, endpoint: &'a mut Endpoint) -> Result<Self> {
        let start = reader.slot_ptr().map_err(|Corrupt| endpoint.corrupted())?;
        let start = start.ok_or_else(|| endpoint.error(ErrorKind::Empty))?;
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
        let payload = unsafe { Payload::new(start, size_of::<T::Wire>()) };
        Ok(Received { payload, reader, endpoint, _type: PhantomData })
    }

    /// A copy of the whole message.
    ///
    /// # Errors
    ///
    /// [`Corrupted`](ErrorKind::Corrupted) if the bytes are no value of the type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        T::from_wire(self.reader.read()).ok_or_else(|| self.endpoint.corrupted())
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
        self.reader.skip();
        self.endpoint.notify();
    }
}

debug_by_endpoint! {
    Loan<'_, T> endpoint;
    Received<'_, T> endpoint;
}
