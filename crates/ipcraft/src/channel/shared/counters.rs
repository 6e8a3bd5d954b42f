//! Counters of slow paths, for observers.

use crate::channel::shared::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// What the endpoints of one side have done, since the creation of the channel; wraps.
///
/// Only functions that are never inlined add to them: no call that succeeds immediately touches
/// this cache line. They are hints: a peer may write any number.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Counters {
    /// Calls that had to wait for a message, or for room.
    pub(crate) waits: AtomicU64,
    /// Times that an endpoint blocked in the kernel.
    pub(crate) sleeps: AtomicU64,
    /// Notifications while an endpoint of the other side was waiting: one system call each.
    pub(crate) wakes: AtomicU64,
    /// Messages that were overwritten before they were received.
    pub(crate) lagged: AtomicU64,
    /// Leases that were reclaimed after their endpoint left or died.
    pub(crate) recoveries: AtomicU64,
}

/// Adds without ordering: no reader depends on it.
pub(crate) fn count(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Relaxed);
}
