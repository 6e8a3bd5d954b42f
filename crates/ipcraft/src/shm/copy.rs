//! Copying between private bytes and memory that others may write meanwhile.
//!
//! A plain copy will not do: the compiler may take it for granted that nobody else writes, read a byte twice and get
//! two answers. A copy by relaxed atomics would do, but takes twice as long as memcpy(3), which loads and stores by
//! vectors. So memcpy(3) it is, called in a way that leaves the compiler no knowledge of what is called: to it, some
//! foreign code does something to these bytes, which a copy by relaxed atomics is as good a guess for as any. Each
//! byte arrives as somebody wrote it.

#![allow(unsafe_code)]

use std::ptr;

type Copy = unsafe extern "C" fn(*mut libc::c_void, *const libc::c_void, libc::size_t) -> *mut libc::c_void;

/// Only ever read as if it could have changed, so that the compiler never learns what is called.
static COPY: Copy = libc::memcpy;

/// Copies `length` bytes, of which others may write or read those that are shared.
///
/// # Safety
///
/// All of `from` can be read and all of `into` be written for the time of the call, they do not overlap, and only
/// shared memory is accessed by others.
#[inline]
pub(crate) unsafe fn copy(from: *const u8, into: *mut u8, length: usize) {
    // SAFETY: because a static can be read, and the caller vouches for both ranges, which memcpy(3) needs to be mapped
    // and apart.
    unsafe { ptr::read_volatile(&raw const COPY)(into.cast(), from.cast(), length) };
}
