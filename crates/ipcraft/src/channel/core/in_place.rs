//! Writing and reading messages in place, generic over the ring.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::{Core, Ring};
use crate::channel::Payload;

/// A ring whose next message can be written in place.
pub(crate) trait LoanRing: Ring {
    /// Sends the message that was written in place.
    fn commit_loan(&mut self);

    /// Abandons a loan that was not committed, and returns whether the peers were notified of that.
    /// It is also called after a commit.
    fn end_loan(&mut self) -> bool {
        false
    }
}

/// A slot that is being written in place.
pub(crate) struct RawLoan<'a, R: LoanRing> {
    pub(crate) payload: Payload<'a>,
    pub(crate) core: &'a mut Core<R>,
}

impl<'a, R: LoanRing> RawLoan<'a, R> {
    /// # Safety
    ///
    /// `start` points to `length` bytes in the memory of the ring, which this loan reserves.
    #[inline]
    pub(crate) unsafe fn new(core: &'a mut Core<R>, start: NonNull<u8>, length: usize) -> Self {
        // SAFETY: because the caller promised that the bytes are in the ring. They stay mapped
        // while the core is borrowed, and no reference to them exists.
        let payload = unsafe { Payload::new(start, length) };
        RawLoan { payload, core }
    }

    #[inline]
    pub(crate) fn commit(self) {
        self.core.ring.commit_loan();
        self.core.notify();
    }
}

impl<R: LoanRing> Drop for RawLoan<'_, R> {
    #[inline]
    fn drop(&mut self) {
        if self.core.ring.end_loan() {
            self.core.endpoint.ring();
        }
    }
}

/// A ring whose next message can be read in place.
pub(crate) trait InPlaceRing: Ring {
    /// Frees the slot of the message that was read in place.
    fn free_in_place(&mut self);
}

/// A slot that is being read in place, and is freed when this is dropped.
pub(crate) struct RawReceived<'a, R: InPlaceRing> {
    pub(crate) payload: Payload<'a>,
    pub(crate) core: &'a mut Core<R>,
}

impl<'a, R: InPlaceRing> RawReceived<'a, R> {
    /// # Safety
    ///
    /// `start` points to the `length` bytes of the message that was found in the memory of the
    /// ring.
    #[inline]
    pub(crate) unsafe fn new(core: &'a mut Core<R>, start: NonNull<u8>, length: usize) -> Self {
        // SAFETY: because of the reasons given in `RawLoan::new`.
        let payload = unsafe { Payload::new(start, length) };
        RawReceived { payload, core }
    }
}

impl<R: InPlaceRing> Drop for RawReceived<'_, R> {
    fn drop(&mut self) {
        self.core.ring.free_in_place();
        self.core.notify();
    }
}
