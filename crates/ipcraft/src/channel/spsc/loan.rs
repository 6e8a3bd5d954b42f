//! Messages that are written and read in place.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::channel::Message;
use crate::channel::core::{Core, RawLoan, RawReceived, payload_deref};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::error::Result;

/// A slot for a message that has not been sent yet. It contains the bytes of an earlier message, or
/// zeros.
///
/// If the loan is dropped, or the process dies, nothing is sent, and the next message gets the same
/// slot.
#[must_use = "a loan that is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    raw: RawLoan<'a, Writer<T::Wire>>,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    pub(super) fn new(core: &'a mut Core<Writer<T::Wire>>, start: NonNull<u8>) -> Self {
        // SAFETY: because the ring returned the address of its next slot, which has the size of the
        // wire form.
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

/// A message that is read in place. Dropping this value frees its slot.
///
/// If the process dies earlier, the next receiver gets the message.
pub struct Received<'a, T: Message> {
    raw: RawReceived<'a, Reader<T::Wire>>,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    pub(super) fn new(core: &'a mut Core<Reader<T::Wire>>, start: NonNull<u8>) -> Self {
        // SAFETY: because the ring found the message at `start`, and it has the size of the wire
        // form.
        let raw = unsafe { RawReceived::new(core, start, size_of::<T::Wire>()) };
        Received { raw, _type: PhantomData }
    }

    /// Returns a copy of the whole message.
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](crate::ErrorKind::Corrupted) if the bytes are not a value of the
    /// type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        let core = &*self.raw.core;
        T::from_wire(core.ring.read()).ok_or_else(|| core.endpoint.corrupted())
    }
}

payload_deref!(Received<'a, T>, raw.payload);

debug_by_endpoint! {
    Loan<'_, T> raw.core.endpoint;
    Received<'_, T> raw.core.endpoint;
}
