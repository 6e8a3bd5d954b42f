//! What the endpoints of one side tell the other side of themselves, in one word.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::atomic::AtomicU32;

/// The bit by which inline delivery is requested.
pub(crate) const INLINE_BIT: u32 = 1;

/// How many endpoints of one side have left for good (wraps), and in the lowest bit whether they
/// request inline delivery.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct PeerStatus(AtomicU32);

impl PeerStatus {
    /// What those who sleep here say of themselves.
    #[inline]
    pub(crate) fn load(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Says whether copies are wanted.
    pub(crate) fn request_inline(&self, yes: bool) {
        if yes {
            self.0.fetch_or(INLINE_BIT, Relaxed);
        } else {
            self.0.fetch_and(!INLINE_BIT, Relaxed);
        }
    }

    /// Says that one who slept here has left.
    pub(crate) fn deregister(&self) {
        self.0.fetch_add(2 * INLINE_BIT, SeqCst);
    }

    /// How many of so many who came to sleep here have not said that they left; none if more have left than came. A hint: what is
    /// put right after a death is told in the same way.
    pub(crate) fn live_count(&self, came: u32) -> u32 {
        let left = self.load() & !INLINE_BIT;
        // Both wrap, the one a bit before the other.
        let live_count = (2 * INLINE_BIT).wrapping_mul(came).wrapping_sub(left) as i32;
        (live_count / (2 * INLINE_BIT as i32)).max(0) as u32
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_has_not_left_is_counted() {
        let status = PeerStatus::default();
        assert_eq!((status.live_count(0), status.live_count(3)), (0, 3));
        status.deregister();
        status.request_inline(true);
        assert_eq!((status.live_count(3), status.live_count(1)), (2, 0));
        // Forked children have left without having come.
        status.deregister();
        assert_eq!(status.live_count(1), 0);
    }

    #[test]
    fn numbers_of_those_who_came_and_left_wrap() {
        let status = PeerStatus::default();
        status.0.store((u32::MAX - 1) & !INLINE_BIT, Relaxed);
        let came = u32::MAX / 2;
        assert_eq!(status.live_count(came), 0);
        assert_eq!(status.live_count(came.wrapping_add(5)), 5);
        status.deregister();
        assert_eq!(status.live_count(came.wrapping_add(5)), 4);
    }
}
