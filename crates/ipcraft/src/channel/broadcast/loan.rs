//! Messages that are written and read where they lie.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::RecvError;
use super::ring::{Next, Reader, Writer};
use super::subscriber::tell;
use crate::channel::end::{Corrupt, End};
use crate::channel::{Message, Place};
use crate::error::{Error, ErrorKind, Result};

/// A place for a message that has not been sent yet. It has the bytes of an earlier message, or zeros.
///
/// Dropping it, or dying with it, sends nothing; the next message gets the same place.
#[derive(Debug)]
#[must_use = "what is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    place: Place<'a>,
    writer: &'a mut Writer,
    end: &'a mut End,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    /// The place that there is, as the caller found.
    pub(super) fn new(writer: &'a mut Writer, end: &'a mut End) -> Result<Self> {
        let start = writer.place().map_err(|Corrupt| end.corrupted())?;
        let start = start.ok_or_else(|| end.error(ErrorKind::Full))?;
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
        let place = unsafe { Place::new(start, writer.size()) };
        Ok(Loan { place, writer, end, _type: PhantomData })
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
        self.end.ring();
    }
}

impl<'a, T: Message> Deref for Loan<'a, T> {
    type Target = Place<'a>;

    fn deref(&self) -> &Place<'a> {
        &self.place
    }
}

impl<T: Message> DerefMut for Loan<'_, T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.place
    }
}

/// A message that is read where it lies. Where subscribers hold the publisher back, its place stays as it is until this is
/// dropped.
///
/// Where messages are overwritten, this one may be at any time: whatever is read is whole, or an error of kind
/// [`Lagged`](ErrorKind::Lagged), and then the next call to receive says how many were missed, this one among them.
#[derive(Debug)]
pub struct Received<'a, T: Message> {
    place: Place<'a>,
    reader: &'a mut Reader,
    end: &'a mut End,
    /// It was found to be overwritten, so it was not received.
    is_lost: Cell<bool>,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    /// What there is, as the caller found.
    pub(super) fn new(
        reader: &'a mut Reader,
        end: &'a mut End,
        next: Next<NonNull<u8>>,
    ) -> Result<Self, RecvError> {
        match next {
            Next::Message(start) => {
                // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
                let place = unsafe { Place::new(start, reader.size()) };
                Ok(Received { place, reader, end, is_lost: Cell::new(false), _type: PhantomData })
            }
            Next::Lagged(number) => Err(RecvError::Lagged(number)),
        }
    }

    /// How many bytes there are.
    #[allow(clippy::len_without_is_empty, reason = "that a message is empty is nothing special")]
    #[inline]
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Copies the bytes from `offset` on into `buffer`, all of it.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if that is not within the message; nothing was copied.
    /// [`Lagged`](ErrorKind::Lagged) if the message has been overwritten; what was copied is of no use.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.place.read_at(offset, buffer)?;
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
            Some(wire) => T::from_wire(wire).ok_or_else(|| self.end.corrupted()),
            None => Err(self.lost()),
        }
    }

    /// Where the bytes are, for code that vouches for its own accesses: others can write there at any time, so
    /// [`check`](Received::check) after reading.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.place.as_ptr()
    }

    /// Whether all that was read until now was of this message.
    ///
    /// # Errors
    ///
    /// [`Lagged`](ErrorKind::Lagged) if it may have been overwritten.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.reader.is_still_there() { Ok(()) } else { Err(self.lost()) }
    }

    #[cold]
    fn lost(&self) -> Error {
        self.is_lost.set(true);
        self.end.error(ErrorKind::Lagged).with_hint("the next call to receive says how many")
    }
}

impl<T: Message> Drop for Received<'_, T> {
    fn drop(&mut self) {
        if !self.is_lost.get() {
            self.reader.skip();
            self.reader.make_room();
            tell(self.reader, self.end);
        }
    }
}
