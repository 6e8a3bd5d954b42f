//! A thread that waits for one endpoint, where the kernel refuses to report events of its file.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Token;
use super::slot::{Phase, Slot};
use crate::channel::shared::doorbell::{WaitToken, Waiters};
use crate::channel::tuning::LIVENESS_INTERVAL;
use crate::error::Result;
use crate::event::{self, EventFd};
use crate::support::quiet_thread;
use crate::time::Deadline;

/// The tokens that threads report to their reactor.
#[derive(Debug, Default)]
pub(super) struct Reports {
    tokens: Mutex<Vec<Token>>,
    /// Readable while there are some. Most reactors have no threads.
    event: OnceLock<EventFd>,
}

/// The thread of one endpoint.
#[derive(Debug)]
pub(super) struct Fallback {
    slot: Arc<Slot>,
    thread: JoinHandle<()>,
}

impl Reports {
    /// Creates the descriptor, and returns it the first time.
    pub(super) fn start(&self) -> Result<Option<BorrowedFd<'_>>> {
        if self.event.get().is_some() {
            return Ok(None);
        }
        let event = event::Options::new().nonblocking(true).create(0)?;
        Ok(self.event.set(event).is_ok().then(|| self.event.get().map(AsFd::as_fd)).flatten())
    }

    fn add(&self, token: Token) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).push(token);
        if let Some(event) = self.event.get() {
            // A counter that is full is readable too.
            let _ = event.try_add(1);
        }
    }

    pub(super) fn take(&self, woken: &mut Vec<Token>) {
        let Some(event) = self.event.get() else { return };
        // Before the tokens: a thread adds one first.
        let _ = event.try_take();
        woken.append(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Fallback {
    pub(super) fn start(slot: Arc<Slot>, reports: Arc<Reports>) -> Result<Fallback> {
        let own = slot.clone();
        let thread = quiet_thread::start("ipcraft-readiness", move || run(&slot, &reports))?;
        Ok(Fallback { slot: own, thread })
    }

    /// Ends the thread, and waits for that.
    pub(super) fn stop(self) {
        let doorbell = self.slot.waiter.doorbell();
        self.slot.state().phase = Phase::Stopped;
        self.slot.changed.notify_one();
        // It may be about to block, and then has not noticed.
        while !self.thread.is_finished() {
            doorbell.interrupt();
            thread::sleep(Duration::from_micros(50));
        }
        // It does not panic; if it did, there would be nothing left to end.
        let _ = self.thread.join();
        // Where many wait, it may have been woken in the place of another.
        if self.slot.waiter.waiters != Waiters::One {
            doorbell.interrupt();
        }
    }
}

fn run(slot: &Slot, reports: &Reports) {
    while let Some(token) = wait_armed(slot) {
        // If the memory of the doorbell is gone, the endpoint finds out when it polls.
        let until = Deadline::after(token.max_wait().min(LIVENESS_INTERVAL));
        let wait_failed = slot.waiter.doorbell().commit_wait(token, until).is_err();
        let is_over = until.has_passed();
        // With several waiters, one may be woken while the word is unchanged. And endpoints that
        // die, or block others, are found by polling, so they have to poll from time to time.
        let of_many = slot.waiter.waiters != Waiters::One || slot.waiter.peers.len() > 1;
        let heard = wait_failed || of_many || !slot.waiter.doorbell().is_unchanged(token) || peers_gone(slot);
        if (heard || token.is_bounded()) && disarm(slot, is_over.then_some(token)) {
            slot.note_closed();
            reports.add(slot.token);
        }
    }
}

/// Waits until the endpoint is armed; `None` when its registration is dropped.
fn wait_armed(slot: &Slot) -> Option<WaitToken> {
    let mut state = slot.state();
    loop {
        match state.phase {
            Phase::Armed(token, _) => return Some(token),
            Phase::Stopped => return None,
            Phase::Idle(_) => {
                state = slot.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
        }
    }
}

/// Disarms the endpoint. `last_full_wait` is the token of a wait that was not cut short.
fn disarm(slot: &Slot, last_full_wait: Option<WaitToken>) -> bool {
    let mut state = slot.state();
    let was_armed = matches!(state.phase, Phase::Armed(..));
    if was_armed {
        state.phase = Phase::Idle(last_full_wait);
    }
    was_armed
}

/// Returns whether no peer is alive, or the endpoint itself is gone.
fn peers_gone(slot: &Slot) -> bool {
    let Some(lease) = slot.waiter.lease.upgrade() else { return true };
    !lease.any_alive(slot.waiter.peers.clone()).unwrap_or(false)
}
