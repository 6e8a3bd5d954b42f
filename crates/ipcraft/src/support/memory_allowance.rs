//! Memory that a process may take without reading every limit again.
//!
//! To find out how much memory is left takes about 30 system calls. That is more than the rest of
//! creating a small object. So a reading allows a small part of what it found for a short time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The part of the available memory that one reading allows.
const DIVISOR: u64 = 64;
/// The most bytes that one reading allows.
const MAX_BYTES: u64 = 1 << 20;
/// How long a reading stays valid.
const LIFETIME: Duration = Duration::from_millis(100);

/// What a reading of the limits still allows. Times are those of one monotonic clock.
pub(super) struct Allowance {
    left: AtomicU64,
    /// The end of the allowance in nanoseconds.
    end: AtomicU64,
}

impl Allowance {
    pub(super) const fn none() -> Allowance {
        Allowance { left: AtomicU64::new(0), end: AtomicU64::new(0) }
    }

    /// Returns whether the allowance covers these bytes, and takes them.
    pub(super) fn take(&self, bytes: u64, now: Duration) -> bool {
        nanoseconds(now) < self.end.load(Relaxed)
            && self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    /// Renews the allowance after a reading that found these bytes available.
    pub(super) fn renew(&self, available: u64, now: Duration) {
        self.left.store((available / DIVISOR).min(MAX_BYTES), Relaxed);
        self.end.store(nanoseconds(now + LIFETIME), Relaxed);
    }
}

/// The bytes beyond which more available memory makes no difference to an allowance.
pub(super) const PLENTY: u64 = MAX_BYTES * DIVISOR;

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const NOW: Duration = Duration::from_secs(9);

    #[test]
    fn new_allowance_covers_nothing() {
        assert!(!Allowance::none().take(1, NOW));
    }

    #[test]
    fn allowance_covers_a_part_of_the_available_memory() {
        let allowance = Allowance::none();
        allowance.renew(64 * MIB, NOW);
        assert!(allowance.take(MIB - 1, NOW) && allowance.take(1, NOW) && !allowance.take(1, NOW));
    }

    #[test]
    fn allowance_of_much_memory_is_bounded() {
        let allowance = Allowance::none();
        allowance.renew(u64::MAX, NOW);
        assert!(!allowance.take(MAX_BYTES + 1, NOW) && allowance.take(MAX_BYTES, NOW));
    }

    #[test]
    fn allowance_ends_with_its_lifetime() {
        let allowance = Allowance::none();
        allowance.renew(64 * MIB, NOW);
        assert!(allowance.take(1, NOW + LIFETIME - Duration::from_nanos(1)));
        assert!(!allowance.take(1, NOW + LIFETIME));
    }
}
