//! An eventcount: notification that costs neither a system call nor a fence while no thread waits.
//!
//! After each change the notifier loads one word. While the word is [`IDLE`], nothing else is
//! needed. A waiter sets it to [`WAITING`], polls once more, and blocks. In between, both sides
//! need a fence. Without one, the waiter could miss the change while the notifier misses the
//! waiter.
//!
//! A fence per message costs more than the message. So only the word [`ARMED`] requests one. The
//! word becomes armed by the first wait, and idle again after [`DISARM_AFTER`] notifications
//! without a waiter. A waiter that finds the word idle may have missed a notifier that used no
//! fence. Its first wait is therefore bounded by [`BOUNDED_WAIT`]: by then the notifier's stores
//! are visible.
//!
//! An endpoint of an event loop does not block on the word. It sets the byte `listeners`, and then
//! the word to [`LISTENING`] unless others block. A notifier that finds the byte set also
//! [rings](super::region::SharedRegion::ring): it clears the byte, and makes the kernel report an
//! event of the channel's file. While only event loops wait, it makes no futex call.

use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU8, AtomicU32, fence, futex};
use super::peer_status::PeerStatus;
use crate::channel::tuning::{BOUNDED_WAIT, DISARM_AFTER};
use crate::time::{self, Deadline};
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// No endpoint waits, and none has waited recently.
const IDLE: u32 = 0;
/// No endpoint waits, but one may start at any moment: the notifier needs a fence.
const ARMED: u32 = 1;
/// An endpoint may wait. Added to a waiting word it gives an [`ARMED`] one and increments the
/// count. So an endpoint that is about to block notices the notification, even if another one has
/// prepared to wait since.
const WAITER_UNIT: u32 = 2;

/// The state while an endpoint may block.
const WAITING: u32 = WAITER_UNIT | ARMED;

/// The state while only endpoints of event loops may wait.
const LISTENING: u32 = WAITER_UNIT;

/// Added to a listening word, it gives an [`ARMED`] one and increments the count.
const LISTENING_TO_ARMED: u32 = STATE_MASK;

/// The bits of the state. The bits above count the notifications of all waiters, and wrap.
const STATE_MASK: u32 = 3;

/// The doorbell at which the endpoints of one side wait for the other side. Zero bytes are an idle
/// one.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(crate) struct Doorbell {
    /// The state, and the count above it.
    word: AtomicU32,
    /// Status of the endpoints that wait here, in the cache line that the notifier reads anyway.
    pub(crate) status: PeerStatus,
    /// Nonzero while a waiting endpoint must be rung. The kernel clears it as part of ringing.
    listeners: AtomicU8,
    /// Zero: what the kernel copies to `listeners`.
    _zero: AtomicU8,
    /// When a notifier last woke waiters: nanoseconds of `CLOCK_MONOTONIC`, as the notifier sees
    /// it. A hint, which orders nothing and which no model has.
    last_wake: AtomicU64,
}

/// Where the zero byte is, in bytes from the doorbell.
pub(crate) const ZERO_OFFSET: usize = offset_of!(Doorbell, _zero);

/// The state of the doorbell when an endpoint prepared to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitToken {
    /// The word until the next notification.
    word: u32,
    /// Maximum duration of the wait.
    max_wait: Duration,
}

impl WaitToken {
    /// The maximum duration of the wait.
    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait
    }

    /// The same token, limited to [`BOUNDED_WAIT`].
    pub(crate) fn bounded(self) -> WaitToken {
        WaitToken { max_wait: BOUNDED_WAIT, ..self }
    }

    /// Whether the wait is limited to [`BOUNDED_WAIT`].
    pub(crate) fn is_bounded(&self) -> bool {
        self.max_wait == BOUNDED_WAIT
    }
}

/// The maximum duration of a wait that begins at this word.
fn max_wait(found: u32, last_full_wait: Option<WaitToken>) -> Duration {
    match found & STATE_MASK {
        ARMED => Duration::MAX,
        WAITING | LISTENING if last_full_wait.is_some_and(|token| token.word == found) => Duration::MAX,
        // Another endpoint may have found the word idle just now.
        _ => BOUNDED_WAIT,
    }
}

/// A notifier's private state.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    /// Notifications in a row without a waiter.
    unanswered: u32,
}

/// How many endpoints can wait at a doorbell, and how many a notification wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiters {
    /// One endpoint can wait, and it is woken.
    One,
    /// Several can wait, and one is woken per message.
    Many,
    /// Several can wait, and all are woken per message.
    All,
}

impl Doorbell {
    /// Whether no endpoint needs to be woken. Must be called after the change.
    #[inline]
    pub(crate) fn no_waiters(&self) -> bool {
        self.word.load(Relaxed) & STATE_MASK == IDLE
    }

    /// Whether an endpoint may wait; possibly stale.
    pub(crate) fn has_waiters(&self) -> bool {
        self.word.load(Relaxed) & WAITER_UNIT != 0
    }

    /// Wakes the waiters that the change concerns. Must be called after the change.
    #[inline]
    pub(crate) fn notify(&self, notifier: &mut Notifier, waiters: Waiters) {
        if !self.no_waiters() {
            self.notify_slow(notifier, waiters);
        }
    }

    /// [`notify`](Doorbell::notify) without the first test.
    pub(crate) fn notify_slow(&self, notifier: &mut Notifier, waiters: Waiters) {
        fence(SeqCst);
        let word = self.word.load(Relaxed);
        match word & STATE_MASK {
            IDLE => {}
            ARMED => {
                notifier.unanswered += 1;
                if notifier.unanswered >= DISARM_AFTER {
                    notifier.unanswered = 0;
                    // Fails if an endpoint has prepared to wait meanwhile; the word then stays.
                    let _ = self.word.compare_exchange(word, word & !ARMED, SeqCst, Relaxed);
                }
            }
            _ => {
                notifier.unanswered = 0;
                match waiters {
                    Waiters::One | Waiters::All => self.wake_all(word),
                    Waiters::Many => self.wake_one(word),
                }
            }
        }
    }

    /// Wakes all waiters, after a change that concerns all of them.
    pub(crate) fn notify_all(&self) {
        fence(SeqCst);
        let word = self.word.load(Relaxed);
        if word & WAITER_UNIT != 0 {
            self.wake_all(word);
        }
    }

    /// [`prepare_wait`](Doorbell::prepare_wait) of an endpoint that is rung, and does not block.
    pub(crate) fn prepare_listen(&self, last_full_wait: Option<WaitToken>) -> WaitToken {
        self.listeners.store(1, Relaxed);
        let mut found = self.word.load(Relaxed);
        let word = loop {
            let word = if found & STATE_MASK == WAITING { found } else { found & !STATE_MASK | LISTENING };
            match self.word.compare_exchange(found, word, SeqCst, Relaxed) {
                Ok(_) => break word,
                Err(changed) => found = changed,
            }
        };
        fence(SeqCst);
        WaitToken { word, max_wait: max_wait(found, last_full_wait) }
    }

    /// Returns whether an endpoint must be rung. Must be called after the notification.
    pub(crate) fn has_listeners(&self) -> bool {
        // An endpoint whose waiting word was seen set the byte before.
        fence(Acquire);
        self.listeners.load(Relaxed) != 0
    }

    /// Returns whether a notification was not followed by its ring, because the notifier could not
    /// or has died.
    pub(crate) fn owes_ring(&self) -> bool {
        self.listeners.load(Relaxed) != 0 && !self.has_waiters()
    }

    /// The byte that ringing clears.
    pub(crate) fn listeners(&self) -> *mut u8 {
        ptr::from_ref(&self.listeners).cast_mut().cast()
    }

    /// What the kernel does to the byte when a notifier rings.
    #[cfg(all(test, loom))]
    pub(crate) fn clear_listeners(&self) {
        self.listeners.store(0, Relaxed);
    }

    /// Keeps the word while others wait. If no waiter was woken, the word changes to armed, and the
    /// same step wakes endpoints that prepared to wait in between.
    fn wake_one(&self, seen: u32) {
        if self.leave_listening(seen) {
            return;
        }
        self.last_wake.store(time::now().as_nanos() as u64, Relaxed);
        if futex::wake(&self.word, 1, futex::ANY) != Ok(1) {
            self.wake_all(seen);
        }
    }

    /// Changes a listening word, and returns whether that was enough: no endpoint blocks. Fails if
    /// the word has changed, perhaps because one is about to block.
    ///
    /// Another notifier's futex call may turn a listening word into an idle one. That notifier
    /// rings afterwards, so each event loop listens again.
    fn leave_listening(&self, seen: u32) -> bool {
        let armed = seen.wrapping_add(LISTENING_TO_ARMED);
        seen & STATE_MASK == LISTENING && self.word.compare_exchange(seen, armed, SeqCst, Relaxed).is_ok()
    }

    /// Changes the word and wakes in one system call, so that a kill in between cannot leave
    /// waiters blocked behind an armed word. If two notifiers do so concurrently, the second may
    /// leave a waiting word, which costs the next notification one call.
    fn wake_all(&self, seen: u32) {
        if self.leave_listening(seen) {
            return;
        }
        self.last_wake.store(time::now().as_nanos() as u64, Relaxed);
        // The call fails only if the word's memory is gone; then there is no waiter.
        let _ = futex::add_and_wake_all(&self.word, WAITER_UNIT);
    }

    /// Announces that the caller is about to wait. The caller polls once more, and then calls
    /// [`commit_wait`](Doorbell::commit_wait). `last_full_wait` is the token of the caller's last
    /// wait, if that wait was not cut short.
    ///
    /// A waiting word becomes idle only after a notification that increments the count. So if the
    /// word is that of the last full wait, it was not idle since, and the wait need not be bounded.
    pub(crate) fn prepare_wait(&self, last_full_wait: Option<WaitToken>) -> WaitToken {
        let found = self.word.fetch_or(WAITING, SeqCst);
        // The read-modify-write alone does not order later loads.
        fence(SeqCst);
        WaitToken { word: found | WAITING, max_wait: max_wait(found, last_full_wait) }
    }

    /// Blocks until a notification or the deadline. May return without either.
    pub(crate) fn commit_wait(&self, token: WaitToken, deadline: Deadline) -> nix::Result<()> {
        match futex::wait(&self.word, token.word, futex::ANY, deadline) {
            Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Returns when a notifier last woke waiters, if that was within these limits. A notifier in
    /// another time namespace has another clock.
    pub(crate) fn last_wake_within(&self, earliest: Duration, latest: Duration) -> Option<Duration> {
        let notified = Duration::from_nanos(self.last_wake.load(Relaxed));
        (earliest <= notified && notified <= latest).then_some(notified)
    }

    /// Whether no notification of all waiters has happened since the token was made.
    pub(crate) fn is_unchanged(&self, token: WaitToken) -> bool {
        self.word.load(SeqCst) == token.word
    }

    /// Whether an endpoint that listens need not do so again.
    pub(crate) fn is_listening(&self, token: WaitToken) -> bool {
        self.is_unchanged(token) && self.listeners.load(Relaxed) != 0
    }

    /// Wakes all waiters without a notification, so that they check their other conditions.
    pub(crate) fn interrupt(&self) {
        // The call fails only if the word's memory is gone; then there is no waiter.
        let _ = futex::wake(&self.word, u32::MAX, futex::ANY);
    }

    /// Revokes [`prepare_wait`](Doorbell::prepare_wait), if no other endpoint can wait here. After
    /// a bounded wait that did not block, the word becomes idle again: a notifier without a fence
    /// may still be publishing further changes.
    pub(crate) fn cancel_wait(&self, token: WaitToken, last_full_wait: bool) {
        let left = if last_full_wait { WAITER_UNIT } else { WAITING };
        let _ = self.word.compare_exchange(token.word, token.word & !left, SeqCst, Relaxed);
    }
}
