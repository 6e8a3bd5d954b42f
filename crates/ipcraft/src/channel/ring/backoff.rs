//! Leaving the other side alone for a moment.
//!
//! Of two who stream through a ring, one is faster, and finds the ring empty, or full. If he looks again at once, he takes
//! the line with the position away from the slower one for each message, and both go at the speed at which that line changes
//! hands. So who found a few messages, or a little room, looks a moment later, when there is more; who found one or none,
//! as where messages go to and fro one at a time, looks at once.

use crate::channel::tuning::{BATCH_WORTHWHILE, MAX_SPINS, SPINS_STEP};
use std::hint::spin_loop;

/// How long to leave the other side alone before looking at it.
#[derive(Debug)]
pub(crate) struct PollBackoff {
    spins: u8,
    /// What is worth a look.
    batch_worthwhile: u64,
}

impl PollBackoff {
    /// None yet, where there are so many slots: in a ring of a few, the other side soon waits itself.
    pub(crate) fn new(slots: u64) -> PollBackoff {
        PollBackoff { spins: 0, batch_worthwhile: BATCH_WORTHWHILE.min(slots / 4) }
    }

    /// Leaves the other side alone. To be called before looking.
    #[inline]
    pub(crate) fn snooze(&self) {
        for _ in 0..self.spins {
            spin_loop();
        }
    }

    /// Learns from how much was found.
    #[inline]
    pub(crate) fn record(&mut self, count: u64) {
        if count < 2 {
            self.spins = 0;
        } else if count < self.batch_worthwhile && self.spins < MAX_SPINS {
            self.spins += SPINS_STEP;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_is_looked_for_at_once() {
        let mut backoff = PollBackoff::new(1024);
        for count in [1, 5, 1, 5, 0] {
            backoff.record(count);
            assert_eq!(backoff.spins, if count < 2 { 0 } else { SPINS_STEP });
        }
    }

    #[test]
    fn a_few_are_left_to_become_more_until_they_are_plenty() {
        let mut backoff = PollBackoff::new(1024);
        for spins in [SPINS_STEP, MAX_SPINS, MAX_SPINS] {
            backoff.record(BATCH_WORTHWHILE - 1);
            assert_eq!(backoff.spins, spins);
        }
        let mut backoff = PollBackoff::new(1024);
        backoff.record(BATCH_WORTHWHILE);
        assert_eq!(backoff.spins, 0);
    }

    #[test]
    fn what_is_a_few_depends_on_the_ring() {
        for (slots, most) in
            [(1, None), (8, None), (16, Some(3)), (64, Some(15)), (128, Some(31)), (1 << 20, Some(31))]
        {
            let few = (0..100).filter(|count| {
                let mut backoff = PollBackoff::new(slots);
                backoff.record(*count);
                backoff.spins > 0
            });
            assert_eq!(few.max(), most, "{slots} slots");
        }
    }
}
