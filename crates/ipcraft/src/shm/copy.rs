//! Copies between private memory and memory that other processes write concurrently.
//!
//! A plain copy is wrong here: the compiler may assume that nothing else writes, read a byte twice
//! and get two values. A copy by relaxed atomics is correct but takes twice as long as memcpy(3),
//! which uses vector loads and stores. So memcpy(3) is called through a pointer that the compiler
//! cannot see through. The compiler then has to treat the call as foreign code, which may well be a
//! copy by relaxed atomics. Each byte of the result is one that some process wrote.

#![allow(unsafe_code)]

use std::ptr;

type Copy = unsafe extern "C" fn(*mut libc::c_void, *const libc::c_void, libc::size_t) -> *mut libc::c_void;

/// Read volatile only, so that the compiler never learns which function is called.
static COPY: Copy = libc::memcpy;

/// Copies `length` bytes between private and shared memory.
///
/// # Safety
///
/// During the call, `from` is readable and `into` writable for `length` bytes, and the two do not
/// overlap. Other threads and processes access only the shared side.
#[inline]
pub(crate) unsafe fn copy(from: *const u8, into: *mut u8, length: usize) {
    // SAFETY: because a static can be read, and by this function's contract both ranges are mapped
    // and do not overlap, as memcpy(3) requires.
    unsafe { ptr::read_volatile(&raw const COPY)(into.cast(), from.cast(), length) };
}
