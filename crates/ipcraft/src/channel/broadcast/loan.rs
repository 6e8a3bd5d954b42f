//! Messages that are written and read in place.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use super::RecvError;
use crate::channel::Message;
use crate::channel::core::broadcast::lagged;
use crate::channel::core::checked::CheckedPayload;
use crate::channel::core::{Core, RawLoan, RecvRing, payload_deref};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::ring::broadcast::{Next, Reader, Writer};
use crate::error::Result;

/// A slot for a message that has not been sent yet. It holds the bytes of an earlier message, or
/// zeros.
///
/// If it is dropped, or its process dies, nothing is sent, and the next message gets the same slot.
#[must_use = "a loan that is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    raw: RawLoan<'a, Writer>,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    pub(super) fn new(core: &'a mut Core<Writer>, start: NonNull<u8>) -> Self {
        // SAFETY: because the pointer is that of the ring's next slot, which has the size of the
        // wire type.
        let raw = unsafe { RawLoan::new(core, start, size_of::<T::Wire>()) };
        Loan { raw, _type: PhantomData }
    }

    /// Writes a whole message.
    #[inline]
    pub fn set(&mut self, message: &T) {
        self.raw.core.ring.write(&message.to_wire());
    }

    /// Sends the message. When it returns, the message is in the channel, even if this process
    /// dies.
    #[inline]
    pub fn commit(self) {
        self.raw.commit();
    }
}

payload_deref!(Loan<'a, T>, raw.payload);

/// A message that is read in place.
///
/// With [`Block`](super::Overflow::Block), the message stays in its slot until this guard is
/// dropped. With [`Overwrite`](super::Overflow::Overwrite), it may be overwritten at any time. A
/// read then fails with [`Lagged`](crate::ErrorKind::Lagged) instead of returning a mix of two
/// messages. The subscriber's next call fails
/// with the number of missed messages, which includes this one.
pub struct Received<'a, T: Message> {
    payload: CheckedPayload<'a>,
    core: &'a mut Core<Reader>,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    pub(super) fn new(core: &'a mut Core<Reader>, next: Next<NonNull<u8>>) -> Result<Self, RecvError> {
        match next {
            Next::Message(start) => {
                let hint = "receive again to learn how many messages were missed";
                // SAFETY: because the ring found the message there; the slot is mapped while the
                // core is borrowed, and no reference to it exists.
                let payload = unsafe { CheckedPayload::new(start, size_of::<T::Wire>(), hint) };
                Ok(Received { payload, core, _type: PhantomData })
            }
            Next::Lagged(number) => Err(lagged(number, &core.endpoint)),
        }
    }

    /// Returns the length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "all messages of a type have the same length")]
    #[inline]
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Fills `buffer` with the bytes that begin at `offset`.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](crate::ErrorKind::Invalid) if the message has no such bytes; nothing
    /// was copied. Fails with [`Lagged`](crate::ErrorKind::Lagged) if the message was overwritten;
    /// what was copied is invalid.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.payload.read_at(offset, buffer, &self.core.ring, &self.core.endpoint)
    }

    /// Returns a copy of the whole message.
    ///
    /// # Errors
    ///
    /// Fails with [`Lagged`](crate::ErrorKind::Lagged) if it was overwritten; with
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the bytes are not a value of the type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        self.payload.value(self.core.ring.read(), &self.core.endpoint)
    }

    /// Returns a pointer to the bytes, for unsafe code. Peers can write there at any time, so call
    /// [`check`](Received::check) after reading.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.payload.as_ptr()
    }

    /// Checks that everything that was read so far belongs to this message.
    ///
    /// # Errors
    ///
    /// Fails with [`Lagged`](crate::ErrorKind::Lagged) if it may have been overwritten.
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.payload.check(&self.core.ring, &self.core.endpoint)
    }
}

impl<T: Message> Drop for Received<'_, T> {
    fn drop(&mut self) {
        if !self.payload.is_lost() {
            self.core.ring.skip();
            self.core.ring.make_room();
            RecvRing::<T::Wire>::notify(&mut self.core.ring, &mut self.core.endpoint);
        }
    }
}

debug_by_endpoint! {
    Loan<'_, T> raw.core.endpoint;
    Received<'_, T> core.endpoint;
}
