//! Endpoints: registration, peer liveness, blocking.

#![allow(unsafe_code)]

pub(crate) mod debug;
pub(crate) mod duplex;
mod handover;
pub(crate) mod lease;
mod liveness;
pub(crate) mod reactor;
pub(crate) mod readiness;
pub(crate) mod recovery;
mod spin_limit;
mod wait;

use std::cell::OnceCell;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::WaitStrategy;
use super::shared::control::{RingControl, SideState};
use super::shared::counters::{Counters, count};
use super::shared::doorbell::{Doorbell, Notifier, WaitToken, Waiters};
use super::shared::peer_status::INLINE_BIT;
use super::shared::region::{FileEvent, SharedRegion};
use super::tuning::FIRST_UNTIMED_CALLS;
use crate::error::{Error, ErrorKind, Result};
use crate::pid::Pid;
use crate::time;
use lease::Lease;
use liveness::Pace;
use spin_limit::SpinLimit;

/// Which side of a flow an end is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Sender,
    Receiver,
}

impl Role {
    /// The event by which this side of the ring of this number is rung.
    fn event(self, index: usize) -> FileEvent {
        match (self, index) {
            (Role::Receiver, 0) | (Role::Sender, 1..) => FileEvent::Access,
            (Role::Sender, 0) | (Role::Receiver, 1..) => FileEvent::Modify,
        }
    }
}

/// The leases of each side of a ring.
#[derive(Clone, Debug)]
pub(crate) struct LeaseRanges {
    pub(crate) senders: Range<u32>,
    pub(crate) receivers: Range<u32>,
}

/// One end of one flow.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Before the region is unmapped, the end leaves.
    lease: Option<Arc<Lease>>,
    region: Arc<SharedRegion>,
    /// Words that stay mapped for as long as `region` is kept.
    control: NonNull<RingControl>,
    /// Where the other side sleeps: a part of the flow.
    doorbell: NonNull<Doorbell>,
    role: Role,
    /// The leases of the peers.
    peers: Range<u32>,
    /// How many can sleep on the other side, and on this one.
    waiters: (Waiters, Waiters),
    waiting: WaitStrategy,
    /// The status of the peers that was checked last. A different one requires a check.
    peer_status: u32,
    /// When the leases of the peers were checked last, and when a recovery ran last.
    last_liveness_check: Duration,
    last_recovery: Duration,
    /// A peer was connected, and none was at the last check.
    disconnected: bool,
    spin_limit: SpinLimit,
    notifier: Notifier,
    /// Where this end slept last, if it need not get up there.
    last_full_wait: Option<WaitToken>,
    /// How many messages may be sent without checking the peers.
    pace: Pace,
    /// How many of them are left, where the ring does not count them.
    sends_until_check: u32,
    /// How many polls that find nothing may pass until the peers are checked.
    poll_pace: Pace,
    /// How many of them are left.
    polls_until_check: u32,
    /// If an event loop polls this endpoint: whether the kernel has reported that a description of
    /// the channel was closed. An event loop polls once for each event, so each poll checks the
    /// peers.
    any_closed: OnceCell<Arc<AtomicBool>>,
    /// By which event the endpoints of this side are rung.
    own_event: FileEvent,
}

// SAFETY: because `control` leads to words of `region`, which are atomics, and the endpoint may
// be used by any one thread.
unsafe impl Send for Endpoint {}

impl Endpoint {
    /// Registers an endpoint that holds a lease.
    pub(crate) fn new(
        region: Arc<SharedRegion>,
        index: usize,
        lease: Arc<Lease>,
        role: Role,
        seating: &LeaseRanges,
    ) -> Result<Endpoint> {
        let control = region.control(index);
        let many = |leases: &Range<u32>| if leases.len() > 1 { Waiters::Many } else { Waiters::One };
        let (own, peers) = match role {
            Role::Sender => (&seating.senders, &seating.receivers),
            Role::Receiver => (&seating.receivers, &seating.senders),
        };
        // SAFETY: because the region has the flow, and is kept.
        let words = unsafe { control.as_ref() };
        let doorbell = match role {
            Role::Sender => &words.items,
            Role::Receiver => &words.space,
        };
        let mut endpoint = Endpoint {
            control,
            doorbell: NonNull::from(doorbell),
            role,
            peers: peers.clone(),
            waiters: (many(peers), many(own)),
            waiting: WaitStrategy::default(),
            peer_status: 0,
            last_liveness_check: Duration::ZERO,
            last_recovery: Duration::ZERO,
            disconnected: false,
            spin_limit: SpinLimit::default(),
            notifier: Notifier::default(),
            last_full_wait: None,
            pace: Pace::default(),
            sends_until_check: FIRST_UNTIMED_CALLS,
            poll_pace: Pace::default(),
            polls_until_check: 0,
            any_closed: OnceCell::new(),
            own_event: role.event(index),
            lease: Some(lease),
            region,
        };
        if endpoint.is_disconnected() {
            // All peers have died without notice, so the first message requires a check.
            endpoint.require_check();
        }
        let pid = i32::from(Pid::current()).cast_unsigned();
        endpoint.region.register(endpoint.lease_id(), pid, time::since_boot())?;
        endpoint.own_side().registrations.fetch_add(1, Relaxed);
        endpoint.publish_cpu();
        // The previous owner of the lease may have died between a change and its notification.
        endpoint.peer_doorbell().notify_all();
        endpoint.ring();
        Ok(endpoint)
    }

    /// The words of the flow.
    #[inline]
    pub(crate) fn control(&self) -> &RingControl {
        // SAFETY: because `control` leads to atomics that stay mapped with `region`.
        unsafe { self.control.as_ref() }
    }

    pub(crate) fn region(&self) -> &Arc<SharedRegion> {
        &self.region
    }

    pub(crate) fn lease_id(&self) -> u32 {
        self.lease.as_ref().map_or(0, |lease| lease.number())
    }

    /// From now on each message is for all of the other side.
    pub(crate) fn notify_wakes_all(&mut self) {
        if self.waiters.0 == Waiters::Many {
            self.waiters.0 = Waiters::All;
        }
    }

    /// The capacity of the channel.
    pub(crate) fn capacity(&self) -> usize {
        self.region.config().capacity as usize
    }

    pub(crate) fn wait_strategy(&self) -> WaitStrategy {
        self.waiting
    }

    pub(crate) fn set_wait_strategy(&mut self, waiting: WaitStrategy) {
        self.waiting = waiting;
    }

    fn own_side(&self) -> &SideState {
        match self.role {
            Role::Sender => &self.control().senders,
            Role::Receiver => &self.control().receivers,
        }
    }

    fn peer_side(&self) -> &SideState {
        match self.role {
            Role::Sender => &self.control().receivers,
            Role::Receiver => &self.control().senders,
        }
    }

    /// The counters of this side, for slow paths only.
    pub(crate) fn counters(&self) -> &Counters {
        match self.role {
            Role::Sender => &self.control().sender_counters,
            Role::Receiver => &self.control().receiver_counters,
        }
    }

    #[cold]
    #[inline(never)]
    fn count_wake(&self) {
        count(&self.counters().wakes, 1);
    }

    /// Where this end sleeps.
    fn own_doorbell(&self) -> &Doorbell {
        match self.role {
            Role::Sender => &self.control().space,
            Role::Receiver => &self.control().items,
        }
    }

    /// Where the other side sleeps.
    #[inline]
    pub(crate) fn peer_doorbell(&self) -> &Doorbell {
        // SAFETY: because of the same as in `control`.
        unsafe { self.doorbell.as_ref() }
    }

    /// Returns whether no peer needs a [`notify`](Endpoint::notify). Call it after the change.
    #[inline]
    pub(crate) fn no_waiters(&self) -> bool {
        self.peer_doorbell().no_waiters()
    }

    /// Wakes a peer that may wait for the change that was just made.
    #[inline]
    pub(crate) fn notify(&mut self) {
        if !self.no_waiters() {
            self.notify_slow();
        }
    }

    /// Returns whether the peers requested inline delivery, as of the last check.
    #[inline]
    pub(crate) fn inline_requested(&self) -> bool {
        self.peer_status & INLINE_BIT != 0
    }

    /// [`notify`](Endpoint::notify) where peers may be waiting.
    #[cold]
    #[inline(never)]
    pub(crate) fn notify_slow(&mut self) {
        if self.has_waiters() {
            self.count_wake();
        }
        // SAFETY: because of the same as in `control`.
        unsafe { self.doorbell.as_ref() }.notify_slow(&mut self.notifier, self.waiters.0);
        self.ring();
    }

    /// Rings the event loops of the peers, if any of them waits. Call it after the notification.
    #[inline(never)]
    pub(crate) fn ring(&self) {
        self.region.ring(self.peer_doorbell(), self.own_event.other());
    }

    /// Rings the event loops of the peers after a notification without [`ring`](Endpoint::ring).
    pub(crate) fn ring_if_owed(&self) {
        if self.peer_doorbell().owes_ring() {
            self.ring();
        }
    }

    /// Returns whether a peer may be waiting, as of a moment ago.
    pub(crate) fn has_waiters(&self) -> bool {
        self.peer_doorbell().has_waiters()
    }

    /// Wakes all of the other side, after a change that each of them may wait for.
    #[inline]
    pub(crate) fn notify_all(&mut self) {
        if !self.peer_doorbell().no_waiters() {
            self.peer_doorbell().notify_all();
            self.ring();
        }
    }

    /// Wakes another endpoint of this side, after a wait that ended with more than this one
    /// could take.
    pub(crate) fn notify_own_side(&self) {
        self.own_doorbell().notify(&mut Notifier::default(), self.waiters.1);
        self.region.ring(self.own_doorbell(), self.own_event);
    }

    #[cold]
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        let operation = match self.role {
            Role::Sender => "send",
            Role::Receiver => "recv",
        };
        Error::new(operation, kind).with_object(self.region.name())
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn corrupted(&self) -> Error {
        self.error(ErrorKind::Corrupted).with_hint("stop using the channel; another process writes to it")
    }
}

impl Drop for Endpoint {
    /// Releases the lease first, and then wakes the peers, which check it themselves.
    fn drop(&mut self) {
        drop(self.lease.take());
        self.own_doorbell().status.deregister();
        self.peer_doorbell().notify_all();
        self.ring();
    }
}
