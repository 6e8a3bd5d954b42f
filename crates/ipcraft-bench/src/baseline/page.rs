//! One page of memory that both processes share.
#![allow(unsafe_code)]

use std::io;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

/// Bytes between words that must not share a cache line, even if the CPU fetches lines in pairs.
const LINE_STRIDE: usize = 128;
/// The bytes of the page.
const SIZE: usize = 4096;

/// One page, shared with the processes forked while it is mapped.
pub(crate) struct Page {
    /// The start of `SIZE` bytes that stay mapped until `drop`, aligned to a page.
    start: NonNull<u8>,
}

impl Page {
    pub(crate) fn new() -> io::Result<Rc<Page>> {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: because mmap(2) of new anonymous memory at an address that the kernel selects
        // changes no existing mapping.
        let start = unsafe { libc::mmap(ptr::null_mut(), SIZE, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Rc::new(Page { start }))
    }

    /// Returns the n-th word of a line.
    pub(crate) fn word(&self, line: usize, n: usize) -> &AtomicU64 {
        let offset = line * LINE_STRIDE + n * size_of::<AtomicU64>();
        assert!(offset < SIZE);
        // SAFETY: because by the assertion and the invariant on `start` the aligned word is mapped
        // as long as `self` lives, and both processes use it only as an atomic.
        unsafe { self.start.add(offset).cast::<AtomicU64>().as_ref() }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: because by the invariant on `start` these bytes are this page's, and no reference
        // outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), SIZE) };
    }
}
