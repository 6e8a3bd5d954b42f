//! Unlocking a raw mutex at the end of a scope.

use super::raw::RawMutex;

/// Unlocks the mutex when dropped, also during a panic. Made by the thread that holds the mutex.
pub(super) struct UnlockOnDrop<'a>(pub(super) &'a RawMutex);

impl Drop for UnlockOnDrop<'_> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}
