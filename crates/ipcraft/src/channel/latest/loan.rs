//! Values that are written and read where they lie.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::channel::endpoint::Endpoint;
use crate::channel::ring::newest::Newest;
use crate::channel::ring::seqlock;
use crate::channel::{Message, Payload};
use crate::error::{Error, ErrorKind, Result};

/// A place for a value that has not been stored yet. It has the bytes of an earlier value, or zeros.
///
/// Dropping it, or dying with it, stores nothing; the next value gets the same place.
#[derive(Debug)]
#[must_use = "what is not committed is not stored"]
pub struct Loan<'a, T: Message> {
    payload: Payload<'a>,
    ring: &'a mut seqlock::Writer,
    endpoint: &'a mut Endpoint,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    pub(crate) fn new(ring: &'a mut seqlock::Writer, endpoint: &'a mut Endpoint) -> Self {
        ring.begin();
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its value exists.
        let payload = unsafe { Payload::new(ring.slot_ptr(), ring.size()) };
        Loan { payload, ring, endpoint, _type: PhantomData }
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

/// A value that is read where it lies, and that the writer overwrites once it has been round all places: whatever is read is
/// whole, or an error of kind [`Lagged`](ErrorKind::Lagged), and then there is a newer one to load.
#[derive(Debug)]
pub struct View<'a, T: Message> {
    payload: Payload<'a>,
    version: u64,
    newest: &'a Newest,
    endpoint: &'a Endpoint,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> View<'a, T> {
    /// What was found there.
    pub(crate) fn new(start: NonNull<u8>, version: u64, newest: &'a Newest, endpoint: &'a Endpoint) -> Self {
        // SAFETY: because the slot is mapped for as long as the end lives, and no reference to its value exists.
        let payload = unsafe { Payload::new(start, newest.size()) };
        View { payload, version, newest, endpoint, _type: PhantomData }
    }

    /// How many values have been stored until this one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many bytes there are.
    #[allow(clippy::len_without_is_empty, reason = "that a value is empty is nothing special")]
    #[inline]
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Copies the bytes from `offset` on into `buffer`, all of it.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if that is not within the value; nothing was copied. [`Lagged`](ErrorKind::Lagged) if
    /// the value has been overwritten; what was copied is of no use.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.payload.read_at(offset, buffer)?;
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
            Some(wire) => T::from_wire(wire).ok_or_else(|| self.endpoint.corrupted()),
            None => Err(self.lost()),
        }
    }

    /// Where the bytes are, for code that vouches for its own accesses: others can write there at any time, so
    /// [`check`](View::check) after reading.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.payload.as_ptr()
    }

    /// Whether all that was read until now was of this value.
    ///
    /// # Errors
    ///
    /// [`Lagged`](ErrorKind::Lagged) if it may have been overwritten.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.newest.validate() { Ok(()) } else { Err(self.lost()) }
    }

    #[cold]
    fn lost(&self) -> Error {
        self.endpoint.error(ErrorKind::Lagged).with_hint("load again")
    }
}
