//! Checks whether the peers of an endpoint are alive.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use super::Endpoint;
use super::lease::Lease;
use crate::channel::shared::peer_status::INLINE_BIT;
use crate::channel::tuning::{
    CHECK_EVERY, CHECK_EVERY_BUSY, COARSE_CLOCK_TICK, IDLE_THRESHOLD, LIVENESS_INTERVAL,
};
use crate::error::{ErrorKind, Result};
use crate::sys::cpu;
use crate::time;

/// Returns a status that no peer publishes, so that the next message requires a check. The
/// request for inline delivery stays.
fn stale_status(peer_status: u32) -> u32 {
    peer_status ^ !INLINE_BIT
}

impl Endpoint {
    /// Returns whether the status of the peers has changed since the last check.
    #[inline]
    pub(crate) fn peer_status_changed(&self) -> bool {
        self.peer_status != self.peer_doorbell().status.load()
    }

    /// Counts a send. Returns whether it needs no check first: none is due, and the status of
    /// the peers is unchanged.
    #[inline]
    pub(crate) fn may_send(&mut self) -> bool {
        // Stored before it is tested, which takes two instructions less.
        let (left, is_due) = self.sends_until_check.overflowing_sub(1);
        self.sends_until_check = left;
        if is_due { self.keep_due() } else { !self.peer_status_changed() }
    }

    /// Keeps the check due until it is done.
    #[cold]
    fn keep_due(&mut self) -> bool {
        self.sends_until_check = 0;
        false
    }

    /// Returns whether all peers have left or died, by one system call. If that fails, returns
    /// the last known answer.
    pub(crate) fn is_disconnected(&self) -> bool {
        let Some(lease) = &self.lease else { return false };
        // Before the leases: a peer that connects in between is not taken for one that left.
        let was_there = self.peer_side().registrations.load(Acquire) != 0;
        lease.any_alive(self.peers.clone()).map_or(self.disconnected, |is_any| was_there && !is_any)
    }

    /// Counts a store, which needs no peers.
    #[inline]
    pub(crate) fn tick_without_receivers(&mut self) {
        if self.check_is_due() {
            self.publish_cpu();
        }
    }

    /// Returns how many messages may be sent without a check.
    pub(crate) fn check_interval(&self) -> u64 {
        self.check_interval.into()
    }

    /// Counts down to the next check. Returns whether it is due.
    #[inline]
    pub(super) fn check_is_due(&mut self) -> bool {
        self.sends_until_check -= 1;
        let check_is_due = self.sends_until_check == 0;
        if check_is_due {
            self.sends_until_check = self.check_interval;
        }
        check_is_due
    }

    /// Checks whether any peer is alive, before a send. Fails if all have left.
    #[inline(never)]
    pub(crate) fn check_peer(&mut self, recover: impl FnMut(&Lease)) -> Result<()> {
        self.publish_cpu();
        let now = time::now_coarse();
        if self.check_disconnected(now, recover)? {
            return Err(self.error(ErrorKind::Disconnected));
        }
        let passed = now.saturating_sub(self.last_check);
        self.check_interval = if passed < COARSE_CLOCK_TICK { CHECK_EVERY_BUSY } else { CHECK_EVERY };
        if passed >= IDLE_THRESHOLD {
            // A sender this slow can afford a check before every message.
            self.peer_status = stale_status(self.peer_status);
        }
        self.sends_until_check = self.check_interval;
        self.last_check = now;
        Ok(())
    }

    /// Returns whether all peers have left or died. Checks their leases if their status changed,
    /// or if the last check is old.
    pub(super) fn check_disconnected(
        &mut self,
        now: Duration,
        mut recover: impl FnMut(&Lease),
    ) -> Result<bool> {
        let peer_status = self.peer_doorbell().status.load();
        let departed = self.any_peer_left(peer_status);
        self.peer_status = peer_status;
        if self.disconnected || departed || now >= self.next_liveness_check {
            self.next_liveness_check = now + LIVENESS_INTERVAL;
            let Some(lease) = &self.lease else { return Ok(false) };
            // Before the leases: a peer that connects in between is not taken for one that left.
            let was_there = self.peer_side().registrations.load(Acquire) != 0;
            let taken = lease.any_alive(self.peers.clone()).map_err(|e| e.with_object(self.region.name()))?;
            // After the leases: nothing of the peers that were found dead is left for a later
            // recovery.
            recover(lease);
            self.disconnected = !taken && was_there;
            if self.disconnected {
                // A status that no peer publishes, so that the next message requires a check.
                self.peer_status = stale_status(peer_status);
            }
        }
        Ok(self.disconnected)
    }

    /// Returns whether a peer has left since the last check.
    pub(super) fn any_peer_left(&self, peer_status: u32) -> bool {
        (peer_status ^ self.peer_status) & !INLINE_BIT != 0
    }

    /// Publishes the core on which this endpoint runs.
    pub(super) fn publish_cpu(&self) {
        let (said, here) = (&self.own_side().cpu, cpu::current().map_or(0, |here| here + 1));
        if said.load(Relaxed) != here {
            said.store(here, Relaxed);
        }
    }

    /// Returns whether the peers ran on this core when they last published it.
    pub(super) fn same_cpu(&self) -> bool {
        cpu::current().is_some_and(|here| self.peer_side().cpu.load(Relaxed) == here + 1)
    }
}
