//! Records that a drain takes, whose space is freed in batches.

use crate::channel::core::Core;
use crate::channel::ring::bytes::Reader;
use crate::channel::tuning::{DRAIN_BATCH, DRAIN_BATCH_WORDS};

/// Taken records, whose space is freed in batches.
pub(super) struct Taken<'a> {
    pub(super) core: &'a mut Core<Reader>,
    /// The number of records that were taken since space was last freed.
    unfreed: u32,
    /// The position of the first of them.
    since: u64,
}

impl<'a> Taken<'a> {
    pub(super) fn new(core: &'a mut Core<Reader>) -> Self {
        let since = core.ring.position();
        Taken { core, unfreed: 0, since }
    }

    #[inline]
    pub(super) fn skip(&mut self, end: u64) {
        self.core.ring.skip(end);
        self.unfreed += 1;
        if self.unfreed == DRAIN_BATCH || end.wrapping_sub(self.since) >= DRAIN_BATCH_WORDS {
            self.free();
        }
    }

    fn free(&mut self) {
        self.unfreed = 0;
        self.since = self.core.ring.position();
        self.core.ring.publish();
        self.core.notify();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.unfreed > 0 {
            self.free();
        }
    }
}
