//! Removing the queue that this process made, and no other.

use std::process;

use crate::sys::msgq;

/// A queue that is removed on drop, by the process that made it.
///
/// The kernel does not soon give the identifier to another queue: it counts up.
#[derive(Debug)]
pub(super) struct RemoveOnDrop {
    id: i32,
    owner: u32,
}

impl RemoveOnDrop {
    /// Takes charge of the queue that this process has just made.
    pub(super) fn new(id: i32) -> Self {
        RemoveOnDrop { id, owner: process::id() }
    }

    /// Does nothing any more, since the queue is gone.
    pub(super) fn cancel(mut self) {
        // No process has this id.
        self.owner = 0;
    }
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if self.owner == process::id() {
            // Whoever has removed it before has done what was wanted.
            let _ = msgq::remove(self.id);
        }
    }
}
