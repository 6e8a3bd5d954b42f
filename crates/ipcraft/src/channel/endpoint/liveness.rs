//! Checks whether the peers of an endpoint are alive.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use super::Endpoint;
use super::lease::Lease;
use crate::channel::shared::peer_status::INLINE_BIT;
use crate::channel::tuning::{
    ACTIVE_LIVENESS_INTERVAL, LIVENESS_INTERVAL, MAX_UNTIMED_CALLS, STORES_PER_CPU_UPDATE,
};
use crate::error::{ErrorKind, Result};
use crate::pid::Pid;
use crate::sys::cpu;
use crate::time;

/// How many calls of an endpoint may pass without reading the clock.
///
/// It is none after a tick of the coarse clock, then as many as calls since that tick, and at most
/// [`MAX_UNTIMED_CALLS`]. So an endpoint that is used less often than the clock ticks reads it in
/// each call.
#[derive(Debug, Default)]
pub(super) struct Pace {
    granted: u32,
    /// The coarse clock when it was read last.
    read_at: Duration,
}

impl Pace {
    /// Returns whether the coarse clock has ticked since the last grant.
    #[inline]
    fn is_new_tick(&self, now: Duration) -> bool {
        now != self.read_at
    }

    /// Returns how many calls may pass after this one.
    #[inline]
    pub(super) fn grant(&mut self, now: Duration) -> u32 {
        self.granted = if self.is_new_tick(now) { 0 } else { (2 * self.granted + 1).min(MAX_UNTIMED_CALLS) };
        self.read_at = now;
        self.granted
    }
}

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
        match &self.lease {
            // Before the leases: a peer that connects in between is not taken for one that left.
            Some(lease) if self.peer_side().registrations.load(Acquire) != 0 => {
                lease.any_alive(self.peers.clone()).map_or(self.disconnected, |is_any| !is_any)
            }
            _ => false,
        }
    }

    /// Returns the process that registered with this lease, by its own id, if the lease is in use.
    pub(crate) fn registrant(&self, lease_id: u32) -> Option<Pid> {
        let pid = self.region.used(lease_id).ok()?.load(Relaxed);
        Pid::from_raw(pid.cast_signed())
    }

    /// Counts a store, which needs no peers.
    #[inline]
    pub(crate) fn tick_without_receivers(&mut self) {
        let (left, is_due) = self.sends_until_check.overflowing_sub(1);
        self.sends_until_check = left;
        if is_due {
            self.sends_until_check = STORES_PER_CPU_UPDATE;
            self.publish_cpu();
        }
    }

    /// Returns how many messages may be sent before the next check: the message that caused the
    /// last check, and the messages that may pass.
    pub(crate) fn check_interval(&self) -> u64 {
        u64::from(self.pace.granted) + 1
    }

    /// Checks whether any peer is alive, before a send. Fails if all have left.
    ///
    /// In a run of messages, most of these checks only read the clock.
    #[inline(never)]
    pub(crate) fn check_peer(&mut self, recover: impl FnMut(&Lease)) -> Result<()> {
        let now = time::now_coarse();
        if self.pace.is_new_tick(now) {
            self.publish_cpu();
        }
        if self.check_disconnected(now, ACTIVE_LIVENESS_INTERVAL, recover)? {
            return Err(self.error(ErrorKind::Disconnected));
        }
        self.sends_until_check = self.pace.grant(now);
        Ok(())
    }

    /// Returns whether all peers have left or died. Checks their leases if their status changed,
    /// or if the last check is older than `max_age`.
    #[inline]
    pub(super) fn check_disconnected(
        &mut self,
        now: Duration,
        max_age: Duration,
        recover: impl FnMut(&Lease),
    ) -> Result<bool> {
        let peer_status = self.peer_doorbell().status.load();
        let departed = self.any_peer_left(peer_status);
        self.peer_status = peer_status;
        if self.disconnected || departed || now >= self.last_liveness_check + max_age {
            self.check_leases(now, departed, recover)?;
        }
        Ok(self.disconnected)
    }

    /// Checks the leases of the peers, and recovers what dead endpoints left behind: if any has
    /// died, as far as is known, and otherwise at the interval of blocked endpoints, because it may
    /// take one system call for each endpoint.
    #[cold]
    #[inline(never)]
    fn check_leases(&mut self, now: Duration, departed: bool, mut recover: impl FnMut(&Lease)) -> Result<()> {
        self.last_liveness_check = now;
        let Some(lease) = &self.lease else { return Ok(()) };
        // Before the leases: a peer that connects in between is not taken for one that left.
        let was_there = self.peer_side().registrations.load(Acquire) != 0;
        let taken = lease.any_alive(self.peers.clone()).map_err(|e| e.with_object(self.region.name()))?;
        let disconnected = !taken && was_there;
        if departed || disconnected || now >= self.last_recovery + LIVENESS_INTERVAL {
            self.last_recovery = now;
            // After the leases: nothing of the peers that were found dead is left for a later
            // recovery.
            recover(lease);
        }
        self.disconnected = disconnected;
        if disconnected {
            self.require_check();
        }
        Ok(())
    }

    /// Returns whether the kernel has reported that a description was closed, since the last call.
    pub(super) fn take_any_closed(&self) -> bool {
        self.any_closed.get().is_some_and(|any_closed| any_closed.swap(false, Relaxed))
    }

    /// Makes the next check test the leases and recover what dead endpoints left behind.
    pub(super) fn expire_checks(&mut self) {
        (self.last_liveness_check, self.last_recovery) = (Duration::ZERO, Duration::ZERO);
    }

    /// Requires a check before the next message.
    pub(super) fn require_check(&mut self) {
        self.peer_status = stale_status(self.peer_status);
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
