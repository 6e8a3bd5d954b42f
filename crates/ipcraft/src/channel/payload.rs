//! The bytes of a message in shared memory.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::copy::copy;

/// The bytes of one message in shared memory, to be written or read in place.
///
/// They are not available as `&[u8]`: a reference promises that nothing else writes the bytes, and
/// a faulty peer may. Copy them in and out in pieces of any size, or use
/// [`as_ptr`](Payload::as_ptr) and ensure that each access is sound.
#[derive(Debug)]
pub struct Payload<'a> {
    /// The first of `length` bytes that stay mapped for `'a`.
    start: NonNull<u8>,
    length: usize,
    _memory: PhantomData<&'a ()>,
}

// SAFETY: because the memory is not bound to a thread, and only the payload accesses it in this
// process.
unsafe impl Send for Payload<'_> {}

impl Payload<'_> {
    /// # Safety
    ///
    /// The `length` bytes from `start` stay mapped and writable for `'a`, and nothing else in this
    /// process refers to them.
    pub(crate) unsafe fn new(start: NonNull<u8>, length: usize) -> Self {
        Payload { start, length, _memory: PhantomData }
    }

    /// Returns the length of the message in bytes.
    #[allow(clippy::len_without_is_empty, reason = "an empty message is not a special case")]
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Copies the bytes from `offset` on into `buffer`, and fills all of it.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](ErrorKind::Invalid) if the range is not within the message. Nothing
    /// is copied.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        let from = self.range("read_at", offset, buffer.len())?;
        // SAFETY: because `range` checked the bytes, and a private buffer does not overlap shared
        // memory.
        unsafe { copy(from.as_ptr(), buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }

    /// Returns a copy of all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length);
        // SAFETY: because `length` bytes are readable and reserved, and all of them are written
        // before the length is set.
        unsafe {
            copy(self.start.as_ptr(), bytes.as_mut_ptr(), self.length);
            bytes.set_len(self.length);
        }
        bytes
    }

    /// Copies all of `bytes` into the message, from `offset` on.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](ErrorKind::Invalid) if the range is not within the message. Nothing
    /// is copied.
    #[inline]
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let into = self.range("write_at", offset, bytes.len())?;
        // SAFETY: because `range` checked the bytes, and private bytes do not overlap shared
        // memory.
        unsafe { copy(bytes.as_ptr(), into.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// Sets all bytes to `value`.
    #[inline]
    pub fn fill(&mut self, value: u8) {
        // SAFETY: because the bytes are mapped and writable, and no reference to them exists.
        unsafe { self.start.as_ptr().write_bytes(value, self.length) };
    }

    /// Returns the address of the first byte. It is valid while this payload is borrowed.
    ///
    /// A peer can write the bytes at any time. Create a reference to them only if every process
    /// that has the channel is trusted.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.start
    }

    #[inline]
    fn range(&self, operation: &'static str, offset: usize, length: usize) -> Result<NonNull<u8>> {
        if offset <= self.length && length <= self.length - offset {
            // SAFETY: because the result is within the bytes, or one past them for an empty range.
            Ok(unsafe { self.start.add(offset) })
        } else {
            Err(self.out_of_bounds(operation, offset, length))
        }
    }

    #[cold]
    fn out_of_bounds(&self, operation: &'static str, offset: usize, length: usize) -> Error {
        let end = offset.saturating_add(length) as u64;
        let limit =
            Limit { name: "the length of the message", value: self.length as u64, requested: Some(end) };
        Error::new(operation, ErrorKind::Invalid).with_limit(Some(limit))
    }
}
