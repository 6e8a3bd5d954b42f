//! Backoff between two polls of the peer's position.
//!
//! When one side of a ring is faster, it finds the ring empty or full. If it polls again
//! immediately, it takes the cache line with the position away from the slower side. Both sides
//! then run at the speed of that transfer. So an endpoint that found a small batch pauses briefly
//! before it polls again. After zero or one message, as in requests and replies, it polls
//! immediately.

use crate::channel::tuning::{BATCH_WORTHWHILE, MAX_SPINS, SPINS_STEP};
use std::hint::spin_loop;

/// The pause before the next poll.
#[derive(Debug)]
pub(crate) struct PollBackoff {
    spins: u8,
    /// Batches of at least this size do not lengthen the pause.
    batch_worthwhile: u64,
}

impl PollBackoff {
    /// No pause yet. In a ring of few slots the other side soon waits itself, so the threshold is
    /// lower.
    pub(crate) fn new(slots: u64) -> PollBackoff {
        PollBackoff { spins: 0, batch_worthwhile: BATCH_WORTHWHILE.min(slots / 4) }
    }

    /// Pauses. Must be called before a poll.
    #[inline]
    pub(crate) fn snooze(&self) {
        for _ in 0..self.spins {
            spin_loop();
        }
    }

    /// Adapts the pause to the number of messages (or free slots) that the poll found.
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
    fn single_messages_end_the_pause() {
        let mut backoff = PollBackoff::new(1024);
        for count in [1, 5, 1, 5, 0] {
            backoff.record(count);
            assert_eq!(backoff.spins, if count < 2 { 0 } else { SPINS_STEP });
        }
    }

    #[test]
    fn small_batches_lengthen_the_pause_up_to_the_maximum() {
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
    fn threshold_depends_on_the_number_of_slots() {
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
