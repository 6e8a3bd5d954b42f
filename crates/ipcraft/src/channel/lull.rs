//! Leaving the other side alone for a moment.
//!
//! Of two who stream through a ring, one is faster, and finds the ring empty, or full. If he looks again at once, he takes
//! the line with the position away from the slower one for each message, and both go at the speed at which that line changes
//! hands. So who found a few messages, or a little room, looks a moment later, when there is more; who found one or none,
//! as where messages go to and fro one at a time, looks at once.

use std::hint::spin_loop;

/// The longest lull, in pauses of the processor: between a tenth and half of a microsecond.
const LONGEST: u8 = 8;

/// What a lull grows by.
const STEP: u8 = 4;

/// More than this is worth a look whatever comes.
const PLENTY: u64 = 32;

/// How long to leave the other side alone before looking at it.
#[derive(Debug)]
pub(super) struct Lull {
    pauses: u8,
    /// What is worth a look.
    plenty: u64,
}

impl Lull {
    /// None yet, where there are so many slots: in a ring of a few, the other side soon waits itself.
    pub(super) fn new(slots: u64) -> Lull {
        Lull { pauses: 0, plenty: PLENTY.min(slots / 4) }
    }

    /// Leaves the other side alone. To be called before looking.
    #[inline]
    pub(super) fn keep(&self) {
        for _ in 0..self.pauses {
            spin_loop();
        }
    }

    /// Learns from how much was found.
    #[inline]
    pub(super) fn found(&mut self, much: u64) {
        if much < 2 {
            self.pauses = 0;
        } else if much < self.plenty && self.pauses < LONGEST {
            self.pauses += STEP;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_is_looked_for_at_once() {
        let mut lull = Lull::new(1024);
        for much in [1, 5, 1, 5, 0] {
            lull.found(much);
            assert_eq!(lull.pauses, if much < 2 { 0 } else { STEP });
        }
    }

    #[test]
    fn a_few_are_left_to_become_more_until_they_are_plenty() {
        let mut lull = Lull::new(1024);
        for pauses in [STEP, LONGEST, LONGEST] {
            lull.found(PLENTY - 1);
            assert_eq!(lull.pauses, pauses);
        }
        let mut lull = Lull::new(1024);
        lull.found(PLENTY);
        assert_eq!(lull.pauses, 0);
    }

    #[test]
    fn what_is_a_few_depends_on_the_ring() {
        for (slots, most) in
            [(1, None), (8, None), (16, Some(3)), (64, Some(15)), (128, Some(31)), (1 << 20, Some(31))]
        {
            let few = (0..100).filter(|much| {
                let mut lull = Lull::new(slots);
                lull.found(*much);
                lull.pauses > 0
            });
            assert_eq!(few.max(), most, "{slots} slots");
        }
    }
}
