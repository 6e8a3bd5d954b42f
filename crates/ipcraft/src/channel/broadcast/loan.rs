//! Messages that are written and read where they lie.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::channel::broadcast::RecvError;
use crate::channel::broadcast::subscriber::notify_publisher;
use crate::channel::endpoint::Endpoint;
use crate::channel::ring::Corrupt;
use crate::channel::ring::broadcast::{Next, Reader, Writer};
use crate::channel::{Message, Payload};
use crate::error::{Error, ErrorKind, Result};

/// A place for a message that has not been sent yet. It has the bytes of an earlier message, or zeros.
///
/// Dropping it, or dying with it, sends nothing; the next message gets the same place.
#[derive(Debug)]
#[must_use = "what is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    payload: Payload<'a>,
    writer: &'a mut Writer,
    endpoint: &'a mut Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    /// The place that there is, as the caller found.
    pub(crate) fn new(writer: &'a mut Writer, endpoint: &'a mut Endpoint) -> Result<Self> {
        let start = writer.slot_ptr().map_err(|Corrupt| endpoint.corrupted())?;
        let start = start.ok_or_else(|| endpoint.error(ErrorKind::Full))?;
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

/// A message that is read where it lies. Where subscribers hold the publisher back, its place stays as it is until this is
/// dropped.
///
/// Where messages are overwritten, this one may be at any time: whatever is read is whole, or an error of kind
/// [`Lagged`](ErrorKind::Lagged), and then the next call to receive says how many were missed, this one among them.
#[derive(Debug)]
pub struct Received<'a, T: Message> {
    payload: Payload<'a>,
    reader: &'a mut Reader,
    endpoint: &'a mut Endpoint,
    /// It was found to be overwritten, so it was not received.
    is_lost: Cell<bool>,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    /// What there is, as the caller found.
    pub(crate) fn new(
        reader: &'a mut Reader,
        endpoint: &'a mut Endpoint,
        next: Next<NonNull<u8>>,
    ) -> Result<Self, RecvError> {
        match next {
            Next::Message(start) => {
                // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
                let payload = unsafe { Payload::new(start, reader.size()) };
                Ok(Received { payload, reader, endpoint, is_lost: Cell::new(false), _type: PhantomData })
            }
            Next::Lagged(number) => Err(RecvError::Lagged(number)),
        }
    }

    /// How many bytes there are.
    #[allow(clippy::len_without_is_empty, reason = "that a message is empty is nothing special")]
    #[inline]
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Copies the bytes from `offset` on into `buffer`, all of it.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if that is not within the message; nothing was copied.
    /// [`Lagged`](ErrorKind::Lagged) if the message has been overwritten; what was copied is of no use.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.payload.read_at(offset, buffer)?;
        self.check()
    }

    /// A copy of the whole message.
    ///
    /// # Errors
    ///
    /// [`Lagged`](ErrorKind::Lagged) if it has been overwritten; [`Corrupted`](ErrorKind::Corrupted) if the bytes are no
    /// value of the type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        match self.reader.read() {
            Some(wire) => T::from_wire(wire).ok_or_else(|| self.endpoint.corrupted()),
            None => Err(self.lost()),
        }
    }

    /// Where the bytes are, for code that vouches for its own accesses: others can write there at any time, so
    /// [`check`](Received::check) after reading.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.payload.as_ptr()
    }

    /// Whether all that was read until now was of this message.
    ///
    /// # Errors
    ///
    /// [`Lagged`](ErrorKind::Lagged) if it may have been overwritten.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.reader.validate() { Ok(()) } else { Err(self.lost()) }
    }

    #[cold]
    fn lost(&self) -> Error {
        self.is_lost.set(true);
        self.endpoint.error(ErrorKind::Lagged).with_hint("the next call to receive says how many")
    }
}

impl<T: Message> Drop for Received<'_, T> {
    fn drop(&mut self) {
        if !self.is_lost.get() {
            self.reader.skip();
            self.reader.make_room();
            notify_publisher(self.reader, self.endpoint);
        }
    }
}
