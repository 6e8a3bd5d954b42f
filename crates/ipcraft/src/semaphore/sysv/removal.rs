//! Removing the set that this process made.

use std::process;

use libc::c_int;

use crate::sys::sysv_semaphore;

/// A set that is removed on drop, by the process that made it: a forked child has a copy of the value.
///
/// An identifier is not used again before some ten thousand other sets came and went, so it stands for the object.
#[derive(Debug)]
pub(super) struct Removal {
    id: c_int,
    maker: u32,
}

impl Removal {
    /// Takes charge of the set that this process has just created.
    pub(super) fn new(id: c_int) -> Self {
        Removal { id, maker: process::id() }
    }

    /// Leaves the set alone.
    pub(super) fn cancel(mut self) {
        // No process has this id.
        self.maker = 0;
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if self.maker == process::id() {
            // Nobody is left to tell if somebody else removed it before.
            let _ = sysv_semaphore::remove(self.id);
        }
    }
}
