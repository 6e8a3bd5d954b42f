//! Reading a message in place that may be overwritten meanwhile.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::NonNull;

use crate::channel::endpoint::Endpoint;
use crate::channel::{Message, Payload};
use crate::error::{Error, ErrorKind, Result};

/// A ring that knows whether a slot still holds the message that was found there.
pub(crate) trait ValidateRing {
    /// Returns whether all bytes read so far belong to the message that was found.
    fn validate(&self) -> bool;
}

/// The bytes of a message that may be overwritten while they are read.
#[derive(Debug)]
pub(crate) struct CheckedPayload<'a> {
    payload: Payload<'a>,
    hint: &'static str,
    /// Set once a read has found that the message was overwritten.
    is_lost: Cell<bool>,
}

impl CheckedPayload<'_> {
    /// # Safety
    ///
    /// The requirements of [`Payload::new`]. `hint` is that of the error for an overwritten
    /// message.
    pub(crate) unsafe fn new(start: NonNull<u8>, length: usize, hint: &'static str) -> Self {
        // SAFETY: because the caller promised the same as for `Payload::new`.
        let payload = unsafe { Payload::new(start, length) };
        CheckedPayload { payload, hint, is_lost: Cell::new(false) }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.payload.len()
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> NonNull<u8> {
        self.payload.as_ptr()
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.get()
    }

    #[inline]
    pub(crate) fn read_at(
        &self,
        offset: usize,
        buffer: &mut [u8],
        ring: &impl ValidateRing,
        endpoint: &Endpoint,
    ) -> Result<()> {
        self.payload.read_at(offset, buffer)?;
        self.check(ring, endpoint)
    }

    /// Returns the value of a message that the ring has copied. `copy` is `None` if the message was
    /// overwritten during the copy.
    #[inline]
    pub(crate) fn value<T: Message>(&self, copy: Option<T::Wire>, endpoint: &Endpoint) -> Result<T> {
        match copy {
            Some(wire) => T::from_wire(wire).ok_or_else(|| endpoint.corrupted()),
            None => Err(self.lost(endpoint)),
        }
    }

    #[inline]
    pub(crate) fn check(&self, ring: &impl ValidateRing, endpoint: &Endpoint) -> Result<()> {
        if ring.validate() { Ok(()) } else { Err(self.lost(endpoint)) }
    }

    #[cold]
    fn lost(&self, endpoint: &Endpoint) -> Error {
        self.is_lost.set(true);
        endpoint.error(ErrorKind::Lagged).with_hint(self.hint)
    }
}
