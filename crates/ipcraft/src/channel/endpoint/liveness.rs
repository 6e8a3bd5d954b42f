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

/// A notice that nobody gives, so that the next message is a reason to look again; whether copies are wanted stays.
fn stale_status(peer_status: u32) -> u32 {
    peer_status ^ !INLINE_BIT
}

impl Endpoint {
    /// Whether the other side says other things of itself than at the last look.
    #[inline]
    pub(crate) fn peer_status_changed(&self) -> bool {
        self.peer_status != self.peer_doorbell().status.load()
    }

    /// Counts a send, and returns whether it needs no check of the peers first: none is due, and their status is the
    /// one that was checked last.
    #[inline]
    pub(crate) fn may_send(&mut self) -> bool {
        let Some(left) = self.sends_until_check.checked_sub(1) else { return false };
        self.sends_until_check = left;
        !self.peer_status_changed()
    }

    /// Returns whether all peers have left or died, by one system call; the last known answer if that fails.
    pub(crate) fn is_disconnected(&self) -> bool {
        let Some(lease) = &self.lease else { return false };
        // Before the leases: a peer that connects in between is not taken for one that left.
        let was_there = self.peer_side().registrations.load(Acquire) != 0;
        lease.any_alive(self.peers.clone()).map_or(self.disconnected, |is_any| was_there && !is_any)
    }

    /// To be called for each message by one who sends it whether somebody receives or not.
    #[inline]
    pub(crate) fn tick_without_receivers(&mut self) {
        if self.check_is_due() {
            self.publish_cpu();
        }
    }

    /// How many messages may be sent without looking around.
    pub(crate) fn check_interval(&self) -> u64 {
        self.check_interval.into()
    }

    /// Whether as many messages have been sent as may be without looking around.
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
            // Who sends so seldom has the time to look before every message.
            self.peer_status = stale_status(self.peer_status);
        }
        self.sends_until_check = self.check_interval;
        self.last_check = now;
        Ok(())
    }

    /// Whether nobody of the other side is left of those who were there. Looks when something has changed, and when the
    /// last look is old.
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
            // Before that: who comes in between is not taken for one who has gone.
            let was_there = self.peer_side().registrations.load(Acquire) != 0;
            let taken = lease.any_alive(self.peers.clone()).map_err(|e| e.with_object(self.region.name()))?;
            // After that: of those who were found to be gone, nothing is left that `recover` would find later.
            recover(lease);
            self.disconnected = !taken && was_there;
            if self.disconnected {
                // Something that it is not, so that the next message is a reason to look again.
                self.peer_status = stale_status(peer_status);
            }
        }
        Ok(self.disconnected)
    }

    /// Whether this notice tells of a departure since the last look.
    pub(super) fn any_peer_left(&self, peer_status: u32) -> bool {
        (peer_status ^ self.peer_status) & !INLINE_BIT != 0
    }

    /// Says which processor this end runs on.
    pub(super) fn publish_cpu(&self) {
        let (said, here) = (&self.own_side().cpu, cpu::current().map_or(0, |here| here + 1));
        if said.load(Relaxed) != here {
            said.store(here, Relaxed);
        }
    }

    /// Whether the other side has, as of its last word, the processor that this thread needs.
    pub(super) fn same_cpu(&self) -> bool {
        cpu::current().is_some_and(|here| self.peer_side().cpu.load(Relaxed) == here + 1)
    }
}
