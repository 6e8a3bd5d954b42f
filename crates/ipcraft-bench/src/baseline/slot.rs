//! A slot for one message in memory that two processes share, on libc.
#![allow(unsafe_code)]

use std::any::Any;
use std::io;
use std::ptr::{self, NonNull};
use std::rc::Rc;

use crate::link::exact_length;

/// The bytes of the largest message.
pub(crate) const MAX_MESSAGE: usize = 1 << 20;

/// The offset of the message in a slot: the cache line after its length.
pub(crate) const CONTENT: usize = 64;

/// The bytes of a slot.
pub(crate) const SIZE: usize = CONTENT + MAX_MESSAGE;

/// Anonymous memory that is shared with the processes forked while it is mapped (`mmap(2)`).
pub(crate) struct Memory {
    /// The start of `size` bytes that stay mapped until `drop`, aligned to a page.
    start: NonNull<u8>,
    size: usize,
}

impl Memory {
    /// Creates memory for two slots and `additional` bytes.
    pub(crate) fn new(additional: usize) -> io::Result<Rc<Memory>> {
        let size = 2 * SIZE + additional;
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: because mmap(2) of new anonymous memory at an address that the kernel selects
        // changes no existing mapping.
        let start = unsafe { libc::mmap(ptr::null_mut(), size, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Rc::new(Memory { start, size }))
    }

    /// Returns the address at an offset, aligned as the offset is.
    pub(crate) fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.size);
        // SAFETY: because by the assertion and the invariant on `start` the result is within the
        // mapping.
        unsafe { self.start.as_ptr().add(offset) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: because by the invariant on `start` these bytes are this mapping's, and every
        // owner of a pointer into it keeps `self` alive.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

/// One slot: the length of the message, and the message. Whether it is full is kept elsewhere.
pub(crate) struct Slot {
    /// `SIZE` bytes, aligned to eight, which stay mapped for writing as long as `_owner` exists.
    start: *mut u8,
    _owner: Rc<dyn Any>,
}

impl Slot {
    /// Returns the slot of a direction, 0 or 1.
    pub(crate) fn new(memory: &Rc<Memory>, direction: usize) -> Slot {
        Slot { start: memory.at(direction * SIZE), _owner: memory.clone() }
    }

    /// Returns a slot in other memory.
    ///
    /// # Safety
    /// `start` leads to [`SIZE`] bytes, aligned to eight, which stay mapped for writing as long as
    /// `owner` exists.
    pub(crate) unsafe fn from_raw(start: *mut u8, owner: Rc<dyn Any>) -> Slot {
        Slot { start, _owner: owner }
    }

    /// Fails with `InvalidInput` if the message does not fit.
    #[inline]
    pub(crate) fn check(message: &[u8]) -> io::Result<()> {
        if message.len() <= MAX_MESSAGE { Ok(()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// Writes a message that was [checked](Slot::check), while this process owns the slot.
    #[inline]
    pub(crate) fn put(&self, message: &[u8]) {
        assert!(message.len() <= MAX_MESSAGE);
        // SAFETY: because by the invariant on `start` and the assertion all of it is within the
        // slot, which no other process uses now.
        unsafe {
            self.start.cast::<u64>().write(message.len() as u64);
            ptr::copy_nonoverlapping(message.as_ptr(), self.start.add(CONTENT), message.len());
        }
    }

    /// Reads the message, while this process owns the slot.
    #[inline]
    pub(crate) fn take(&self, buffer: &mut [u8]) -> io::Result<()> {
        // SAFETY: because by the invariant on `start` the aligned word is within the slot, which no
        // other process uses now.
        let length = unsafe { self.start.cast::<u64>().read() };
        exact_length(length as usize, buffer.len())?;
        assert!(buffer.len() <= MAX_MESSAGE);
        // SAFETY: because by the invariant on `start` and the assertion all of it is within the
        // slot, which no other process uses now.
        unsafe { ptr::copy_nonoverlapping(self.start.add(CONTENT), buffer.as_mut_ptr(), buffer.len()) };
        Ok(())
    }
}
