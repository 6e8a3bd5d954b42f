//! Waking those who sleep, without a system call, and without a memory fence, when nobody does.
//!
//! Whoever changes something loads one word afterwards. In a row of messages during which nobody sleeps the word is
//! [`IDLE`], and that is all. A sleeper sets it to [`WAITING`], looks once more, and sleeps. Between the two there has to
//! be a fence on both sides, or the one misses the change while the other misses the sleeper; but a fence for every
//! message costs more than the message. So only the word [`ARMED`] asks for one. It stays so from the first sleep on,
//! until for a number of messages nobody slept. Who finds that it was calm, and so that a waker may have passed without a
//! fence, [naps](NAP) before he sleeps: stores become visible by themselves, within a microsecond.

use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU32, fence, futex};
use super::peer_status::PeerStatus;
use crate::channel::tuning::{BOUNDED_WAIT, DISARM_AFTER};
use crate::time::Deadline;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Nobody sleeps, and nobody has for a while.
const IDLE: u32 = 0;
/// Nobody sleeps, but somebody may any moment: put a fence before looking.
const ARMED: u32 = 1;
/// Somebody may sleep. Added to a word that says so, it says [`ARMED`], and counts that somebody rang: so that whoever is
/// about to sleep notices it although another has lain down since.
const WAITER_UNIT: u32 = 2;

/// Somebody may sleep.
const WAITING: u32 = WAITER_UNIT | ARMED;

/// The bits that say which of these it is; above them is counted how often all were woken (wraps).
const STATE_MASK: u32 = 3;

/// Where the ends of one side sleep until an end of the other rings. Zero bytes are a calm one.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(crate) struct Doorbell {
    /// A state, and a count.
    word: AtomicU32,
    /// What the endpoints that wait here tell the notifying side; in the line that it reads anyway.
    pub(crate) status: PeerStatus,
}

/// What one who lay down found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitToken {
    /// The word while nobody rings.
    word: u32,
    /// How long the sleep may be.
    max_wait: Duration,
}

impl WaitToken {
    /// How long the sleep may be at most.
    pub(crate) fn max_wait(&self) -> Duration {
        self.max_wait
    }

    /// The same, for no more than a nap.
    pub(crate) fn bounded(self) -> WaitToken {
        WaitToken { max_wait: BOUNDED_WAIT, ..self }
    }

    /// Whether it is for no more than a nap.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max_wait == BOUNDED_WAIT
    }
}

/// What one who rings remembers.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    /// How often nobody slept.
    unanswered: u32,
}

/// Whether several can sleep at one bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiters {
    /// Only one can, and he is woken.
    One,
    /// Many can, and one is woken for one message.
    Many,
    /// Many can, and all are woken for one message.
    All,
}

impl Doorbell {
    /// Whether anybody may have to be woken. To be asked after the change.
    #[inline]
    pub(crate) fn no_waiters(&self) -> bool {
        self.word.load(Relaxed) & STATE_MASK == IDLE
    }

    /// Whether somebody may sleep, as of a moment ago.
    pub(crate) fn has_waiters(&self) -> bool {
        self.word.load(Relaxed) & WAITER_UNIT != 0
    }

    /// Wakes whom the change concerns, if anybody sleeps. To be called after the change.
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
                    // Whoever has said meanwhile that he sleeps is left as he is.
                    let _ = self.word.compare_exchange(word, word & !ARMED, SeqCst, Relaxed);
                }
            }
            _ => {
                notifier.unanswered = 0;
                match waiters {
                    Waiters::One | Waiters::All => self.wake_all(),
                    Waiters::Many => self.wake_one(),
                }
            }
        }
    }

    /// Wakes everybody who sleeps, after something that concerns them all.
    pub(crate) fn notify_all(&self) {
        fence(SeqCst);
        if self.word.load(Relaxed) & WAITER_UNIT != 0 {
            self.wake_all();
        }
    }

    /// The word stays as it is while others sleep; when nobody was woken, it is time to say so, and those who lay down
    /// in between are woken by that same step.
    fn wake_one(&self) {
        if futex::wake(&self.word, 1, futex::ANY) != Ok(1) {
            self.wake_all();
        }
    }

    /// One step, so that nobody who is killed between two leaves the others asleep with the word saying otherwise. Of two who
    /// do so at once, the second may leave a word that says that somebody sleeps, which costs the next one a call.
    fn wake_all(&self) {
        // What can fail is the memory under the word, and then there is nobody to wake.
        let _ = futex::add_and_wake_all(&self.word, WAITER_UNIT);
    }

    /// Says that the caller is about to sleep; look once more, and then [`sleep`](Doorbell::sleep). `last_full_wait` is where the caller
    /// slept last, if that was for as long as he had to.
    ///
    /// From a word that says that somebody sleeps, no way leads to calm but by counting that all were woken. So if it still is
    /// as where he rested, there was no calm since, and he need not nap again.
    pub(crate) fn prepare_wait(&self, last_full_wait: Option<WaitToken>) -> WaitToken {
        let found = self.word.fetch_or(WAITING, SeqCst);
        // That alone is not in order with loads after it.
        fence(SeqCst);
        let max_wait = match found & STATE_MASK {
            ARMED => Duration::MAX,
            WAITING if last_full_wait.is_some_and(|token| token.word == found) => Duration::MAX,
            // Another one may have found it calm just now.
            _ => BOUNDED_WAIT,
        };
        WaitToken { word: found | WAITING, max_wait }
    }

    /// Sleeps until somebody rings, or until the deadline; sometimes ends for nothing.
    pub(crate) fn commit_wait(&self, token: WaitToken, deadline: Deadline) -> nix::Result<()> {
        match futex::wait(&self.word, token.word, futex::ANY, deadline) {
            Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Whether nobody has rung for all since this one lay down.
    pub(crate) fn is_unchanged(&self, token: WaitToken) -> bool {
        self.word.load(SeqCst) == token.word
    }

    /// Lets everybody who sleeps look at other things than the word.
    pub(crate) fn interrupt(&self) {
        // What can fail is the memory under the word, and then nobody sleeps.
        let _ = futex::wake(&self.word, u32::MAX, futex::ANY);
    }

    /// Takes back what [`prepare_wait`](Doorbell::prepare_wait) said, where nobody else can sleep. Who had to nap and has not slept leaves
    /// the word calm, as it was: a waker may still be passing without a fence, with more than was found.
    pub(crate) fn cancel_wait(&self, token: WaitToken, last_full_wait: bool) {
        let left = if last_full_wait { WAITER_UNIT } else { WAITING };
        let _ = self.word.compare_exchange(token.word, token.word & !left, SeqCst, Relaxed);
    }
}
