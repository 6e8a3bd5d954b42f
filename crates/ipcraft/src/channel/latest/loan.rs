//! Values that are written and read in place.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::channel::Message;
use crate::channel::core::checked::CheckedPayload;
use crate::channel::core::{Core, RawLoan, payload_deref};
use crate::channel::endpoint::debug::debug_by_endpoint;
use crate::channel::ring::newest::Newest;
use crate::channel::ring::seqlock;
use crate::error::Result;

/// A slot for a value that has not been stored yet. It holds the bytes of an earlier value, or
/// zeros.
///
/// If it is dropped, or its process dies, nothing is stored, and the next value gets the same slot.
#[must_use = "a loan that is not committed is not stored"]
pub struct Loan<'a, T: Message> {
    raw: RawLoan<'a, seqlock::Writer>,
    _type: PhantomData<fn(T)>,
}

impl<'a, T: Message> Loan<'a, T> {
    pub(super) fn new(core: &'a mut Core<seqlock::Writer>) -> Self {
        core.ring.begin();
        let start = core.ring.slot_ptr();
        // SAFETY: because the pointer is that of the ring's next slot, which has the size of the
        // wire type.
        let raw = unsafe { RawLoan::new(core, start, size_of::<T::Wire>()) };
        Loan { raw, _type: PhantomData }
    }

    /// Writes a whole value.
    #[inline]
    pub fn set(&mut self, value: &T) {
        self.raw.core.ring.write(&value.to_wire());
    }

    /// Stores the value. When it returns, the value is in the channel, even if this process dies.
    #[inline]
    pub fn commit(self) {
        self.raw.commit();
    }
}

payload_deref!(Loan<'a, T>, raw.payload);

/// A value that is read in place. The writer overwrites it after it has used all other slots.
///
/// A read then fails with [`Lagged`](crate::ErrorKind::Lagged) instead of returning a mix of two
/// values. Load the newer value.
pub struct View<'a, T: Message> {
    payload: CheckedPayload<'a>,
    version: u64,
    core: &'a Core<Newest>,
    _type: PhantomData<fn() -> T>,
}

impl<'a, T: Message> View<'a, T> {
    pub(super) fn new(start: NonNull<u8>, version: u64, core: &'a Core<Newest>) -> Self {
        // SAFETY: because the ring found the value there; the slot is mapped while the core is
        // borrowed, and no reference to it exists.
        let payload = unsafe { CheckedPayload::new(start, size_of::<T::Wire>(), "load again") };
        View { payload, version, core, _type: PhantomData }
    }

    /// Returns the number of values that have been stored, up to this one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "all values of a type have the same length")]
    #[inline]
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// Fills `buffer` with the bytes that begin at `offset`.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`](crate::ErrorKind::Invalid) if the value has no such bytes; nothing
    /// was copied. Fails with [`Lagged`](crate::ErrorKind::Lagged) if the value was overwritten;
    /// what was copied is invalid.
    #[inline]
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.payload.read_at(offset, buffer, &self.core.ring, &self.core.endpoint)
    }

    /// Returns a copy of the whole value.
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
    /// [`check`](View::check) after reading.
    #[inline]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.payload.as_ptr()
    }

    /// Checks that everything that was read so far belongs to this value.
    ///
    /// # Errors
    ///
    /// Fails with [`Lagged`](crate::ErrorKind::Lagged) if it may have been overwritten.
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.payload.check(&self.core.ring, &self.core.endpoint)
    }
}

debug_by_endpoint! {
    Loan<'_, T> raw.core.endpoint;
    View<'_, T> core.endpoint;
}
