//! Messages that are written and read where they lie.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::ring::{Reader, Writer};
use crate::channel::end::{Corrupt, End};
use crate::channel::{Message, Place};
use crate::error::{ErrorKind, Result};

/// A place for a message that has not been sent yet. It has the bytes of an earlier message, or zeros.
///
/// Dropping it, or dying with it, sends nothing; the next message gets the same place.
#[must_use = "what is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    place: Place<'a>,
    writer: &'a mut Writer<T::Wire>,
    end: &'a mut End,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    /// The place that there is, as the caller found.
    pub(super) fn new(writer: &'a mut Writer<T::Wire>, end: &'a mut End) -> Result<Self> {
        let start = writer.place().map_err(|Corrupt| end.corrupted())?;
        let start = start.ok_or_else(|| end.error(ErrorKind::Full))?;
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
        let place = unsafe { Place::new(start, size_of::<T::Wire>()) };
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
        self.writer.commit(1);
        if self.end.ring() {
            self.writer.expire();
        }
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

/// A message that is read where it lies. Its place becomes free when this is dropped.
///
/// The process that dies with it has not received it: the next receiver does.
pub struct Received<'a, T: Message> {
    place: Place<'a>,
    reader: &'a mut Reader<T::Wire>,
    end: &'a mut End,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    /// The message that there is, as the caller found.
    pub(super) fn new(reader: &'a mut Reader<T::Wire>, end: &'a mut End) -> Result<Self> {
        let start = reader.place().map_err(|Corrupt| end.corrupted())?;
        let start = start.ok_or_else(|| end.error(ErrorKind::Empty))?;
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its message exists.
        let place = unsafe { Place::new(start, size_of::<T::Wire>()) };
        Ok(Received { place, reader, end, _type: PhantomData })
    }

    /// A copy of the whole message.
    ///
    /// # Errors
    ///
    /// [`Corrupted`](ErrorKind::Corrupted) if the bytes are no value of the type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        T::from_wire(self.reader.read()).ok_or_else(|| self.end.corrupted())
    }
}

impl<'a, T: Message> Deref for Received<'a, T> {
    type Target = Place<'a>;

    fn deref(&self) -> &Place<'a> {
        &self.place
    }
}

impl<T: Message> DerefMut for Received<'_, T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.place
    }
}

impl<T: Message> Drop for Received<'_, T> {
    fn drop(&mut self) {
        self.reader.skip();
        self.end.ring();
    }
}

debug_by_end! {
    Loan<'_, T> end;
    Received<'_, T> end;
}
