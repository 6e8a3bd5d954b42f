//! What a reactor knows about one endpoint.

#![allow(unsafe_code)]

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::Token;
use crate::channel::endpoint::lease::Lease;
use crate::channel::shared::control::SideState;
use crate::channel::shared::doorbell::{Doorbell, WaitToken, Waiters};
use crate::channel::shared::region::{FileEvent, SharedRegion};
use crate::channel::tuning::BOUNDED_WAIT;
use crate::time;

/// Where an endpoint waits, and for what.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// Words of `region`.
    pub(crate) doorbell: NonNull<Doorbell>,
    /// What the peers publish: words of `region`.
    pub(crate) peer_side: NonNull<SideState>,
    pub(crate) region: Arc<SharedRegion>,
    /// The endpoint's own, so that it is free when the endpoint is dropped.
    pub(crate) lease: Weak<Lease>,
    pub(crate) peers: Range<u32>,
    pub(crate) waiters: Waiters,
    /// The event by which the endpoint is rung.
    pub(crate) event: FileEvent,
    /// Set when the kernel reports that a description of the channel was closed.
    pub(crate) any_closed: Arc<AtomicBool>,
}

// SAFETY: because the pointers lead to atomics of the region, which are not bound to a thread.
unsafe impl Send for Waiter {}
// SAFETY: because of the same, and all else is `Sync`.
unsafe impl Sync for Waiter {}

/// One registered endpoint.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) token: Token,
    pub(super) waiter: Waiter,
    /// Whether it is rung. Otherwise a thread blocks on the word.
    pub(super) listens: bool,
    state: Mutex<State>,
    /// For the thread of a fallback.
    pub(super) changed: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// When the stores of a notifier without a fence are visible, if they may not be yet.
    pub(super) bound: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// The endpoint is not waiting. With the token of its last wait, if that was not cut short.
    Idle(Option<WaitToken>),
    /// The endpoint waits. With the position of its peers when it began.
    Armed(WaitToken, u64),
    /// The registration was dropped.
    Stopped,
}

/// What an attempt to arm found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Armed {
    /// It was armed, and there was no event since.
    Before,
    Now,
    /// The same, and the endpoint must be reported at this time.
    Until(Duration),
}

impl Waiter {
    pub(super) fn doorbell(&self) -> &Doorbell {
        // SAFETY: because the words stay mapped with `region`.
        unsafe { self.doorbell.as_ref() }
    }

    /// Messages or free slots that the peers have published; wraps.
    fn peer_position(&self) -> u64 {
        // SAFETY: because the words stay mapped with `region`.
        unsafe { self.peer_side.as_ref() }.position.load(Relaxed)
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.region.fd()
    }

    /// The events of the file that concern it.
    pub(super) fn events(&self) -> u32 {
        self.event.mask() | libc::IN_CLOSE_WRITE
    }
}

impl Slot {
    pub(super) fn new(token: Token, waiter: Waiter, listens: bool) -> Slot {
        let state = State { phase: Phase::Idle(None), bound: None };
        Slot { token, waiter, listens, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next event of the endpoint be reported.
    pub(super) fn arm(&self) -> Armed {
        let mut state = self.state();
        let (before, unfinished) = match state.phase {
            Phase::Stopped => return Armed::Before,
            Phase::Armed(token, _) if self.still_waits(token) => return Armed::Before,
            Phase::Armed(token, _) => ((!token.is_bounded()).then_some(token), token.is_bounded()),
            Phase::Idle(last_full_wait) => (last_full_wait, false),
        };
        let doorbell = self.waiter.doorbell();
        let position = self.waiter.peer_position();
        let mut token =
            if self.listens { doorbell.prepare_listen(before) } else { doorbell.prepare_wait(before) };
        if unfinished {
            token = token.bounded();
        }
        state.phase = Phase::Armed(token, position);
        self.changed.notify_one();
        if !token.is_bounded() {
            return Armed::Now;
        }
        let until = time::now() + BOUNDED_WAIT;
        match state.bound.replace(until) {
            None => Armed::Until(until),
            // It is scheduled already, and is scheduled again then.
            Some(_) => Armed::Now,
        }
    }

    fn still_waits(&self, token: WaitToken) -> bool {
        if self.listens {
            self.waiter.doorbell().is_listening(token)
        } else {
            self.waiter.doorbell().is_unchanged(token)
        }
    }

    /// [`report`](Slot::report) if it was rung. An observer that reads the file causes the same
    /// event, and does not clear the byte.
    pub(super) fn report_if_rung(&self) -> bool {
        self.report_if(|token| !self.waiter.doorbell().is_listening(token))
    }

    /// Disarms it. Returns whether it was armed, so that it must be reported.
    pub(super) fn report(&self) -> bool {
        self.report_if(|_| true)
    }

    fn report_if(&self, condition: impl FnOnce(WaitToken) -> bool) -> bool {
        let mut state = self.state();
        let Phase::Armed(token, _) = state.phase else { return false };
        if !condition(token) {
            return false;
        }
        // A bounded wait that was cut short counts as none.
        state.phase = Phase::Idle((!token.is_bounded()).then_some(token));
        true
    }

    /// Ends the bound that was scheduled, or returns the time to which it was extended. The second
    /// value is whether the endpoint must be reported.
    pub(super) fn expire(&self, now: Duration) -> (Option<Duration>, bool) {
        let mut state = self.state();
        match state.bound {
            Some(until) if until > now => return (Some(until), false),
            None => return (None, false),
            Some(_) => state.bound = None,
        }
        let Phase::Armed(token, _) = state.phase else { return (None, false) };
        state.phase = Phase::Idle(Some(token));
        (None, true)
    }

    /// Returns whether it waits, and whether it does so without need: an event was not reported.
    pub(super) fn check(&self) -> (bool, bool) {
        let Phase::Armed(token, position) = self.state().phase else { return (false, false) };
        if !self.listens {
            return (false, false);
        }
        (true, !self.waiter.doorbell().is_listening(token) || position != self.waiter.peer_position())
    }

    /// Notes that a description of the channel was closed: peers may have died.
    pub(super) fn note_closed(&self) {
        self.waiter.any_closed.store(true, Relaxed);
    }
}
