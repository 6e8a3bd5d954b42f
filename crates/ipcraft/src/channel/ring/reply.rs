//! The form of a reply in shared memory.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use crate::shm::{Plain, SharedLayout};

/// An answer, and the number of the request that it is one to.
#[repr(C, packed)]
pub(crate) struct ReplyFrame<W> {
    /// The number, which loses its highest bit, and whether there is no answer.
    tag: u64,
    body: W,
}

impl<W: Plain> Clone for ReplyFrame<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: Plain> Copy for ReplyFrame<W> {}

// SAFETY: because both parts are plain data, one right after the other (`repr(C, packed)`).
unsafe impl<W: Plain> Plain for ReplyFrame<W> {
    const LAYOUT: SharedLayout = SharedLayout::structure(&[("tag", u64::LAYOUT), ("body", W::LAYOUT)]);
}

impl<W: Plain> ReplyFrame<W> {
    #[inline]
    pub(crate) fn answer(number: u64, body: W) -> Self {
        ReplyFrame { tag: number << 1, body }
    }

    /// Returns the frame that rejects the request.
    pub(crate) fn none(number: u64) -> Self {
        // SAFETY: because any bytes are a value (`Plain`).
        let body = unsafe { MaybeUninit::zeroed().assume_init() };
        ReplyFrame { tag: number << 1 | 1, body }
    }

    #[inline]
    pub(crate) fn body(self) -> Option<W> {
        (self.tag & 1 == 0).then_some(self.body)
    }

    /// How much further the number is than this one: negative if it is earlier.
    #[inline]
    pub(crate) fn ahead_of(self, number: u64) -> i64 {
        (self.tag & !1).wrapping_sub(number << 1).cast_signed() >> 1
    }
}
