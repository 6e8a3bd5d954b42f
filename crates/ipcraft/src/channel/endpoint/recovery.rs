//! Recovery of slots of a work queue that dead endpoints had claimed.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::channel::endpoint::lease::Lease;
use crate::channel::ring::mpmc::reclaim_dead;
use crate::channel::shared::control::RingControl;
use crate::channel::shared::counters::count;
use crate::channel::shared::header::MAX_ENDPOINTS;
use crate::channel::shared::region::{FileEvent, SharedRegion};
use crate::channel::shared::sequenced_slots::SequencedSlots;
use crate::error::Result;

/// What an endpoint needs to reclaim slots of others.
#[derive(Debug)]
pub(crate) struct Recovery {
    slots: SequencedSlots,
    /// Words that stay mapped for as long as `region` is kept.
    control: NonNull<RingControl>,
    region: Arc<SharedRegion>,
}

// SAFETY: because `slots` and `control` lead to memory of `region`, which is not bound to a thread.
unsafe impl Send for Recovery {}

impl Recovery {
    pub(crate) fn new(region: &Arc<SharedRegion>, slots: SequencedSlots) -> Recovery {
        Recovery { slots, control: region.control(0), region: region.clone() }
    }

    /// Reclaims the slots of the previous owner of this lease, which the caller holds and has
    /// not used yet.
    pub(crate) fn reclaim_predecessor(&self, lease: &Lease) -> Result<()> {
        if self.region.used(lease.number())?.load(Acquire) != 0 {
            self.reclaim_dead(lease.number())?;
        }
        Ok(())
    }

    /// Reclaims the slots of all leases that were used and are free now. If that fails for one,
    /// the next check tries again.
    pub(crate) fn reclaim_all(&self, own: &Lease) {
        let mut buried = false;
        for id in 0..MAX_ENDPOINTS as u32 {
            if self.region.used(id).is_ok_and(|used| used.load(Acquire) != 0) {
                buried |= own.with_dead_lease(id, || drop(self.reclaim_dead(id))).unwrap_or(false);
            }
        }
        if buried {
            self.notify_both_sides();
        }
    }

    /// Makes all endpoints poll again: a lease that was being reclaimed seemed to be taken.
    fn notify_both_sides(&self) {
        // SAFETY: because `control` leads to atomics that stay mapped with `region`.
        let control = unsafe { self.control.as_ref() };
        for (doorbell, event) in [(&control.items, FileEvent::Access), (&control.space, FileEvent::Modify)] {
            doorbell.status.deregister();
            doorbell.notify_all();
            self.region.ring(doorbell, event);
        }
    }

    /// The lease counts as used until everything is reclaimed. So a crash half way leaves the
    /// rest to the next recovery.
    fn reclaim_dead(&self, lease_id: u32) -> Result<()> {
        // SAFETY: because `control` leads to atomics that stay mapped with `region`.
        let control = unsafe { self.control.as_ref() };
        reclaim_dead(&self.slots, control, lease_id);
        count(&control.receiver_counters.recoveries, 1);
        self.region.used(lease_id)?.store(0, Release);
        Ok(())
    }
}
