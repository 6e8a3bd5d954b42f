//! Messages that are written and read in place.

#![allow(unsafe_code)]

use std::marker::PhantomData;

use crate::channel::Message;
use crate::channel::core::{Core, RawLoan, RawReceived, payload_deref};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::ring::mpmc::{Reader, Writer};
use crate::error::{ErrorKind, Result};

/// A slot for a message that has not been sent yet. It holds the bytes of an earlier message, or
/// zeros.
///
/// Messages that other endpoints send meanwhile are received after it. If it is dropped, or its
/// process dies, nothing is sent, and receivers continue with the messages behind it. A leaked loan
/// ends when its sender sends another message or is dropped.
#[must_use = "a loan that is not committed is not sent"]
pub struct Loan<'a, T: Message> {
    raw: RawLoan<'a, Writer>,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    /// Returns a loan of the slot that the caller has claimed.
    pub(super) fn new(core: &'a mut Core<Writer>) -> Result<Self> {
        let start = core.ring.slot_ptr().ok_or_else(|| core.endpoint.error(ErrorKind::Full))?;
        // SAFETY: because the pointer is that of the slot that the ring has claimed.
        let raw = unsafe { RawLoan::new(core, start, size_of::<T::Wire>()) };
        Ok(Loan { raw, _type: PhantomData })
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

/// A message that is read in place. No other receiver receives it. Its slot is freed when this
/// guard is dropped.
///
/// If the process dies before that, another receiver gets the message. So a job that is done while
/// its message is held is done at least once. Senders that reach the slot again block. A leaked
/// guard ends when its receiver receives another message.
pub struct Received<'a, T: Message> {
    raw: RawReceived<'a, Reader>,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> Received<'a, T> {
    /// Returns a guard of the message that the caller has claimed.
    pub(super) fn new(core: &'a mut Core<Reader>) -> Result<Self> {
        let start = core.ring.slot_ptr().ok_or_else(|| core.endpoint.error(ErrorKind::Empty))?;
        // SAFETY: because the pointer is that of the message that the ring has claimed.
        let raw = unsafe { RawReceived::new(core, start, size_of::<T::Wire>()) };
        Ok(Received { raw, _type: PhantomData })
    }

    /// Returns a copy of the whole message.
    ///
    /// # Errors
    ///
    /// Fails with [`Corrupted`](ErrorKind::Corrupted) if the bytes are not a value of the type.
    #[inline]
    pub fn get(&self) -> Result<T> {
        let core = &*self.raw.core;
        core.ring.read().and_then(T::from_wire).ok_or_else(|| core.endpoint.corrupted())
    }
}

payload_deref!(Received<'a, T>, raw.payload);

debug_by_endpoint! {
    Loan<'_, T> raw.core.endpoint;
    Received<'_, T> raw.core.endpoint;
}
