//! The words that the locks use beside the mutex of the C library, and blocking on them.
//!
//! In a loom model both are replaced by types that the model checker controls.

#[cfg(not(all(test, loom)))]
pub(super) use std::sync::atomic::{AtomicU32, fence};

#[cfg(not(all(test, loom)))]
pub(super) use crate::sys::futex;

#[cfg(all(test, loom))]
pub(super) use loom::sync::atomic::{AtomicU32, fence};

#[cfg(all(test, loom))]
pub(super) use super::tests::loom::futex;

/// Orders the acquisition of a lock before the loads that follow, as the stores of other threads
/// are seen.
#[inline]
pub(super) fn fence_after_lock() {
    // On x86-64 the instruction that acquires a lock is such a fence already.
    if cfg!(all(target_arch = "x86_64", not(loom), not(miri))) {
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    } else {
        fence(std::sync::atomic::Ordering::SeqCst);
    }
}
