//! A message where it lies.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::error::{Error, ErrorKind, Limit, Result};
use crate::shm::copy::copy;

/// The bytes of one message in shared memory, for writing or reading in place.
///
/// There is no `&[u8]` of them: a reference promises that no other process writes, and a faulty
/// peer may. Copy bytes in and out, or use the pointer in unsafe code.
#[derive(Debug)]
pub struct Payload<'a> {
    /// The first of `length` bytes that stay mapped for `'a`.
    start: NonNull<u8>,
    length: usize,
    _memory: PhantomData<&'a ()>,
}

// SAFETY: because the memory is not bound to a thread.
unsafe impl Send for Payload<'_> {}

impl Payload<'_> {
    /// # Safety
    ///
    /// The bytes stay mapped and writable for `'a`, and nothing in this process refers to them.
    pub(crate) unsafe fn new(start: NonNull<u8>, length: usize) -> Self {
        Payload { start, length, _memory: PhantomData }
    }

    /// How many bytes there are.
    #[allow(clippy::len_without_is_empty, reason = "that a message is empty is nothing special")]
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Copies the bytes from `offset` on into `buffer`, all of it.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if that is not within the message; nothing was copied.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        let from = self.range("read_at", offset, buffer.len())?;
        // SAFETY: because `range` checked the bytes, and a private buffer does not overlap
        // shared memory.
        unsafe { copy(from.as_ptr(), buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }

    /// A copy of all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length);
        // SAFETY: because `length` bytes can be read, as many were reserved, and all of them are
        // written before the length is set.
        unsafe {
            copy(self.start.as_ptr(), bytes.as_mut_ptr(), self.length);
            bytes.set_len(self.length);
        }
        bytes
    }

    /// Copies `bytes` to `offset`, all of them.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if that is not within the message; nothing was copied.
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

    /// Returns a pointer to the bytes, for unsafe code. A peer can write there at any time, so
    /// make no reference to them unless all processes that have the channel are trusted.
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
