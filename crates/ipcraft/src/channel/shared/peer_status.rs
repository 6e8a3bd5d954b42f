//! The status that the endpoints of one side publish to the other side, in one word.

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
    /// Reads the status; possibly stale.
    #[inline]
    pub(crate) fn load(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Requests inline delivery, or ends it.
    pub(crate) fn request_inline(&self, yes: bool) {
        if yes {
            self.0.fetch_or(INLINE_BIT, Relaxed);
        } else {
            self.0.fetch_and(!INLINE_BIT, Relaxed);
        }
    }

    /// Counts an endpoint that has left.
    pub(crate) fn deregister(&self) {
        self.0.fetch_add(2 * INLINE_BIT, SeqCst);
    }

    /// The number of endpoints of `registered` registrations that have not deregistered; 0 if there
    /// were more deregistrations. A hint, because recovery after a death deregisters too.
    pub(crate) fn live_count(&self, registered: u32) -> u32 {
        let left = self.load() & !INLINE_BIT;
        // Both wrap, the shifted one a bit earlier.
        let live_count = (2 * INLINE_BIT).wrapping_mul(registered).wrapping_sub(left) as i32;
        (live_count / (2 * INLINE_BIT as i32)).max(0) as u32
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn live_count_is_registrations_less_departures() {
        let status = PeerStatus::default();
        assert_eq!((status.live_count(0), status.live_count(3)), (0, 3));
        status.deregister();
        status.request_inline(true);
        assert_eq!((status.live_count(3), status.live_count(1)), (2, 0));
        // Forked children deregister without a registration.
        status.deregister();
        assert_eq!(status.live_count(1), 0);
    }

    #[test]
    fn live_count_survives_wrapping() {
        let status = PeerStatus::default();
        status.0.store((u32::MAX - 1) & !INLINE_BIT, Relaxed);
        let registered = u32::MAX / 2;
        assert_eq!(status.live_count(registered), 0);
        assert_eq!(status.live_count(registered.wrapping_add(5)), 5);
        status.deregister();
        assert_eq!(status.live_count(registered.wrapping_add(5)), 4);
    }
}
