//! A descriptor for event loops.

#![allow(unsafe_code)]

use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::channel::endpoint::lease::Lease;
use crate::channel::shared::doorbell::{Doorbell, WaitToken, Waiters};
use crate::channel::shared::region::SharedRegion;
use crate::channel::tuning::LIVENESS_INTERVAL;
use crate::error::Result;
use crate::event::{self, EventFd};
use crate::support::process_identity::ProcessIdentity;
use crate::support::quiet_thread;
use crate::time::Deadline;

/// A descriptor that polls as readable when an endpoint may have something to do: a message to
/// receive, space to send, or peers that have left.
///
/// A channel blocks on memory, and an event loop on descriptors. A thread connects the two; it
/// is blocked while there is no event. So a message takes one more context switch than to an
/// endpoint that waits for it directly.
///
/// The order matters: [`clear`](Readiness::clear) it, call `try_` methods until one fails with
/// [`Empty`](crate::ErrorKind::Empty), and then poll. An event after `clear` makes it readable
/// again, so none is missed. It may also be readable without an event. With several endpoints on
/// one side, that happens every 250 ms, to check which peers have died.
///
/// ```
/// use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
/// use std::os::fd::AsFd;
/// use ipcraft::channel::spsc;
///
/// let (mut sender, mut receiver) = spsc::channel::<u32>(16)?;
/// let readiness = receiver.readiness()?;
/// sender.send(7)?; // usually in another process
/// let mut received = Vec::new();
/// while received.is_empty() {
///     poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
///     readiness.clear()?;
///     while let Ok(number) = receiver.try_recv() {
///         received.push(number);
///     }
/// }
/// assert_eq!(received, [7]);
/// # Ok::<(), ipcraft::Error>(())
/// ```
///
/// Create a new one after a fork: the thread stays with the parent, and a copy of this in the child
/// does nothing. The thread has all signals
/// blocked. Dropping this ends it.
#[derive(Debug)]
pub struct Readiness {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread. In a forked child's copy there is none to wait for.
    owner: ProcessIdentity,
}

/// What the thread and its owner have in common.
#[derive(Debug)]
struct Shared {
    event: EventFd,
    state: Mutex<State>,
    changed: Condvar,
    /// Where the end sleeps: words of `_region`.
    doorbell: NonNull<Doorbell>,
    _region: Arc<SharedRegion>,
    /// The end's own, so that it is free when the end is dropped.
    lease: Weak<Lease>,
    peers: Range<u32>,
    waiters: Waiters,
}

// SAFETY: because `doorbell` leads to atomics of the region, which are not bound to a thread.
unsafe impl Send for Shared {}
// SAFETY: because of the same, and all else is `Sync`.
unsafe impl Sync for Shared {}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The descriptor is readable. With where the thread slept last, if for as long as it had to.
    Idle(Option<WaitToken>),
    /// Report the next notification, or the end of a bounded wait.
    Armed(WaitToken),
    Stop,
}

impl Readiness {
    /// Creates it for an endpoint that waits at this doorbell.
    pub(crate) fn new(
        region: Arc<SharedRegion>,
        lease: Weak<Lease>,
        doorbell: NonNull<Doorbell>,
        peers: Range<u32>,
        waiters: Waiters,
    ) -> Result<Readiness> {
        // Readable at first, since there may be something.
        let event = event::Options::new().nonblocking(true).create(1)?;
        let shared = Shared {
            event,
            state: Mutex::new(State::Idle(None)),
            changed: Condvar::new(),
            doorbell,
            _region: region,
            lease,
            peers,
            waiters,
        };
        let shared = Arc::new(shared);
        let thread = start(shared.clone())?;
        Ok(Readiness { shared, thread: Some(thread), owner: ProcessIdentity::current() })
    }

    /// Makes it unreadable until there may be an event again. Call `try_` methods afterwards.
    ///
    /// # Errors
    ///
    /// No cause is known.
    pub fn clear(&self) -> Result<()> {
        match self.shared.event.try_take() {
            Err(e) if e.kind() != crate::ErrorKind::Empty => return Err(e),
            _ => {}
        }
        self.shared.rearm();
        Ok(())
    }
}

impl AsFd for Readiness {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.event.as_fd()
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if !self.owner.is_current() {
            // The thread may have held a lock of `shared` when the process was forked.
            std::mem::forget(thread);
            return;
        }
        self.shared.set_state(State::Stop);
        // It may be about to sleep, and then has not heard.
        while !thread.is_finished() {
            self.shared.doorbell().interrupt();
            thread::sleep(Duration::from_micros(50));
        }
        // It does not panic; if it did, there would be nothing left to end.
        let _ = thread.join();
        // Where many sleep, it may have been woken in the place of another.
        if self.shared.waiters != Waiters::One {
            self.shared.doorbell().interrupt();
        }
    }
}

impl Shared {
    fn doorbell(&self) -> &Doorbell {
        // SAFETY: because the words stay mapped with `_region`.
        unsafe { self.doorbell.as_ref() }
    }

    fn set_state(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.changed.notify_one();
    }

    /// Arms the thread. A bounded wait that it has not finished stays bounded.
    fn rearm(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State::Armed(match *state {
            State::Idle(last_full_wait) => self.doorbell().prepare_wait(last_full_wait),
            State::Armed(earlier) if earlier.is_bounded() => self.doorbell().prepare_wait(None).bounded(),
            State::Armed(earlier) => self.doorbell().prepare_wait(Some(earlier)),
            State::Stop => return,
        });
        self.changed.notify_one();
    }

    /// Waits for orders to do something; `None` for the one to stop.
    fn wait_armed(&self) -> Option<WaitToken> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *state {
                State::Armed(token) => return Some(token),
                State::Stop => return None,
                State::Idle(_) => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn run(&self) {
        while let Some(token) = self.wait_armed() {
            // If the memory of the doorbell is gone, the endpoint finds out when it polls.
            let until = Deadline::after(token.max_wait().min(LIVENESS_INTERVAL));
            let wait_failed = self.doorbell().commit_wait(token, until).is_err();
            let in_vain = until.has_passed();
            // With several waiters, one may be woken while the word is unchanged. And endpoints
            // that die, or block others, are found by polling, so they have to poll from time to
            // time.
            let of_many = self.waiters != Waiters::One || self.peers.len() > 1;
            let heard = wait_failed || of_many || !self.doorbell().is_unchanged(token) || self.peers_gone();
            if (heard || token.is_bounded()) && self.disarm(in_vain.then_some(token)) {
                // A counter that is full is readable too.
                let _ = self.event.try_add(1);
            }
        }
    }

    /// Disarms the thread unless its state changed meanwhile. `last_full_wait` is the token of a
    /// wait that was not cut short.
    fn disarm(&self, last_full_wait: Option<WaitToken>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let listened = matches!(*state, State::Armed(_));
        if listened {
            *state = State::Idle(last_full_wait);
        }
        listened
    }

    /// Returns whether no peer is alive, or the endpoint itself is gone.
    fn peers_gone(&self) -> bool {
        let Some(lease) = self.lease.upgrade() else { return true };
        !lease.any_alive(self.peers.clone()).unwrap_or(false)
    }
}

fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>> {
    quiet_thread::start("ipcraft-readiness", move || shared.run())
}
