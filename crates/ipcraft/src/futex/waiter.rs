//! A word to wait on together with others.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::slice;
use std::sync::atomic::AtomicU32;

use crate::sys::futex::FutexWaitv;

/// `struct futex_waitv`: one of the words for [`wait_any`](super::wait_any), and the value that it
/// is expected to have.
#[doc(alias = "futex_waitv")]
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Waiter<'a> {
    /// Has the address of a word that is borrowed for `'a`.
    raw: FutexWaitv,
    _word: PhantomData<&'a AtomicU32>,
}

impl<'a> Waiter<'a> {
    /// Waits while `word` is `expected`.
    #[inline]
    pub fn new(word: &'a AtomicU32, expected: u32) -> Self {
        Waiter { raw: FutexWaitv::new(word, expected), _word: PhantomData }
    }

    /// Returns the structures that the kernel reads.
    #[inline]
    pub(super) fn raw<'s>(waiters: &'s [Waiter<'a>]) -> &'s [FutexWaitv] {
        // SAFETY: because `Waiter` is `repr(transparent)` over the structure.
        unsafe { slice::from_raw_parts(waiters.as_ptr().cast(), waiters.len()) }
    }
}
