//! Values that are written and read where they lie.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::newest::Newest;
use crate::channel::end::End;
use crate::channel::{Message, Place, seqlock};
use crate::error::{Error, ErrorKind, Result};

/// A place for a value that has not been stored yet. It has the bytes of an earlier value, or zeros.
///
/// Dropping it, or dying with it, stores nothing; the next value gets the same place.
#[derive(Debug)]
#[must_use = "what is not committed is not stored"]
pub struct Loan<'a, T: Message> {
    place: Place<'a>,
    ring: &'a mut seqlock::Writer,
    end: &'a mut End,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    pub(super) fn new(ring: &'a mut seqlock::Writer, end: &'a mut End) -> Self {
        ring.begin();
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its value exists.
        let place = unsafe { Place::new(ring.place(), ring.size()) };
        Loan { place, ring, end, _type: PhantomData }
    }

    /// Writes a whole value.
    #[inline]
    pub fn set(&mut self, value: &T) {
        self.ring.write(&value.to_wire());
    }

    /// Stores the value. When it returns, the value is there, whatever happens to this process.
    #[inline]
    pub fn commit(self) {
        self.ring.commit();
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

/// A value that is read where it lies, and that the writer overwrites once it has been round all places: whatever is read is
/// whole, or an error of kind [`Lagged`](ErrorKind::Lagged), and then there is a newer one to load.
#[derive(Debug)]
pub struct View<'a, T: Message> {
    place: Place<'a>,
    version: u64,
    newest: &'a Newest,
    end: &'a End,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> View<'a, T> {
    /// What was found there.
    pub(super) fn new(start: NonNull<u8>, version: u64, newest: &'a Newest, end: &'a End) -> Self {
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its value exists.
        let place = unsafe { Place::new(start, newest.size()) };
        View { place, version, newest, end, _type: PhantomData }
    }

    /// How many values have been stored until this one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many bytes there are.
    #[allow(clippy::len_without_is_empty, reason = "that a value is empty is nothing special")]
    #[inline]
    pub fn len(&self) -> usize {
        self.place.len()
    }

    /// Copies the bytes from `offset` on into `buffer`, all of it.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if that is not within the value; nothing was copied. [`Lagged`](ErrorKind::Lagged) if
    /// the value has been overwritten; what was copied is of no use.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.place.read_at(offset, buffer)?;
        self.check()
    }

    /// A copy of the whole value.
    ///
    /// # Errors
    ///
    /// [`Lagged`](ErrorKind::Lagged) if it has been overwritten; [`Corrupted`](ErrorKind::Corrupted) if the bytes are no
    /// value of the type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        match self.newest.read() {
            Some(wire) => T::from_wire(wire).ok_or_else(|| self.end.corrupted()),
            None => Err(self.lost()),
        }
    }

    /// Where the bytes are, for code that vouches for its own accesses: others can write there at any time, so
    /// [`check`](View::check) after reading.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.place.as_ptr()
    }

    /// Whether all that was read until now was of this value.
    ///
    /// # Errors
    ///
    /// [`Lagged`](ErrorKind::Lagged) if it may have been overwritten.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.newest.is_still_there() { Ok(()) } else { Err(self.lost()) }
    }

    #[cold]
    fn lost(&self) -> Error {
        self.end.error(ErrorKind::Lagged).with_hint("load again")
    }
}
