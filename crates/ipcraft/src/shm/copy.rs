//! Copies between private memory and memory that other processes write concurrently.
//!
//! A plain copy is wrong here: the compiler may assume that nothing else writes, read a byte twice
//! and get two values. A copy by relaxed atomics is correct but takes twice as long as memcpy(3),
//! which uses vector loads and stores. So memcpy(3) is called through a pointer that the compiler
//! cannot see through. The compiler then has to treat the call as foreign code, which may well be a
//! copy by relaxed atomics. Each byte of the result is one that some process wrote.
//!
//! Long copies are made in pieces: see [`MAX_PIECE`].

#![allow(unsafe_code)]

use std::ptr;

type Copy = unsafe extern "C" fn(*mut libc::c_void, *const libc::c_void, libc::size_t) -> *mut libc::c_void;

/// Read volatile only, so that the compiler never learns which function is called.
static COPY: Copy = libc::memcpy;

/// The longest copy in bytes that one call of memcpy(3) makes.
///
/// For longer ones the GNU C library executes `rep movsb` on CPUs that report ERMS. That is
/// slow if the lines belong to another core, or were written a moment ago: a batch of 64 messages
/// of 64 B took 26 ns per message instead of 10. Its threshold is 2 KiB at least, unless a tunable
/// sets it.
const MAX_PIECE: usize = 2048 - 64;

/// Copies `length` bytes between private and shared memory.
///
/// # Safety
///
/// During the call, `from` is readable and `into` writable for `length` bytes, and the two do not
/// overlap. Other threads and processes access only the shared side.
#[inline]
pub(crate) unsafe fn copy(from: *const u8, into: *mut u8, length: usize) {
    // SAFETY: because this function has the same contract.
    unsafe {
        if length <= MAX_PIECE { copy_piece(from, into, length) } else { copy_pieces(from, into, length) }
    };
}

/// # Safety
///
/// As for [`copy`].
#[inline(never)]
unsafe fn copy_pieces(from: *const u8, into: *mut u8, length: usize) {
    for start in (0..length).step_by(MAX_PIECE) {
        // SAFETY: because the piece is within both ranges, for which this function has the same
        // contract.
        unsafe { copy_piece(from.add(start), into.add(start), MAX_PIECE.min(length - start)) };
    }
}

/// # Safety
///
/// As for [`copy`].
#[inline]
unsafe fn copy_piece(from: *const u8, into: *mut u8, length: usize) {
    // SAFETY: because a static can be read, and by this function's contract both ranges are mapped
    // and do not overlap, as memcpy(3) requires.
    unsafe { ptr::read_volatile(&raw const COPY)(into.cast(), from.cast(), length) };
}
