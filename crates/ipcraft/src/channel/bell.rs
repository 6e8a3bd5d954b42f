//! Waking those who sleep, without a system call, and without a memory fence, when nobody does.
//!
//! Whoever changes something loads one word afterwards. In a row of messages during which nobody sleeps the word is
//! [`CALM`], and that is all. A sleeper sets it to [`ASLEEP`], looks once more, and sleeps. Between the two there has to
//! be a fence on both sides, or the one misses the change while the other misses the sleeper; but a fence for every
//! message costs more than the message. So only the word [`WATCHFUL`] asks for one. It stays so from the first sleep on,
//! until for a number of messages nobody slept. Who finds that it was calm, and so that a waker may have passed without a
//! fence, [naps](NAP) before he sleeps: stores become visible by themselves, within a microsecond.

use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU32, fence, futex};
use crate::time::Deadline;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Nobody sleeps, and nobody has for a while.
const CALM: u32 = 0;
/// Nobody sleeps, but somebody may any moment: put a fence before looking.
const WATCHFUL: u32 = 1;
/// Somebody may sleep. Added to a word that says so, it says [`WATCHFUL`], and counts that somebody rang: so that whoever is
/// about to sleep notices it although another has lain down since.
const SLEEPERS: u32 = 2;

/// Somebody may sleep.
const ASLEEP: u32 = SLEEPERS | WATCHFUL;

/// The bits that say which of these it is; above them is counted how often all were woken (wraps).
const STATE: u32 = 3;

/// After how many messages without a sleeper it is calm.
const UNTIL_CALM: u32 = if cfg!(all(test, loom)) { 2 } else { 64 };

/// How long the first sleep after a calm is at most.
const NAP: Duration = Duration::from_millis(1);

/// Where the ends of one side sleep until an end of the other rings. Zero bytes are a calm one.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub(super) struct Bell {
    /// A state, and a count.
    word: AtomicU32,
    /// What else one who rings looks at, in one number: how many of those who sleep here have left for good (wraps), and
    /// in the lowest bit whether they want a copy of each small message beside the position.
    notice: AtomicU32,
}

/// The bit of a notice by which copies are asked for.
pub(super) const WANTS_COPIES: u32 = 1;

/// What one who lay down found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bed {
    /// The word while nobody rings.
    word: u32,
    /// How long the sleep may be.
    most: Duration,
}

impl Bed {
    /// How long the sleep may be at most.
    pub(super) fn most(&self) -> Duration {
        self.most
    }

    /// The same, for no more than a nap.
    pub(super) fn for_nap(self) -> Bed {
        Bed { most: NAP, ..self }
    }

    /// Whether it is for no more than a nap.
    pub(super) fn is_for_nap(&self) -> bool {
        self.most == NAP
    }
}

/// What one who rings remembers.
#[derive(Debug, Default)]
pub(super) struct Ringer {
    /// How often nobody slept.
    unheard: u32,
}

/// Whether several can sleep at one bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sleepers {
    /// Only one can, and he is woken.
    One,
    /// Many can, and one is woken for one message.
    Many,
    /// Many can, and all are woken for one message.
    All,
}

impl Bell {
    /// What those who sleep here say of themselves.
    #[inline]
    pub(super) fn notice(&self) -> u32 {
        self.notice.load(Relaxed)
    }

    /// Says whether copies are wanted.
    pub(super) fn want_copies(&self, yes: bool) {
        if yes {
            self.notice.fetch_or(WANTS_COPIES, Relaxed);
        } else {
            self.notice.fetch_and(!WANTS_COPIES, Relaxed);
        }
    }

    /// Says that one who slept here has left.
    pub(super) fn depart(&self) {
        self.notice.fetch_add(2 * WANTS_COPIES, SeqCst);
    }

    /// How many of so many who came to sleep here have not said that they left; none if more have left than came. A hint: what is
    /// put right after a death is told in the same way.
    pub(super) fn remaining(&self, came: u32) -> u32 {
        let left = self.notice() & !WANTS_COPIES;
        // Both wrap, the one a bit before the other.
        let remaining = (2 * WANTS_COPIES).wrapping_mul(came).wrapping_sub(left) as i32;
        (remaining / (2 * WANTS_COPIES as i32)).max(0) as u32
    }

    /// Whether anybody may have to be woken. To be asked after the change.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        self.word.load(Relaxed) & STATE == CALM
    }

    /// Whether somebody may sleep, as of a moment ago.
    pub(super) fn has_sleepers(&self) -> bool {
        self.word.load(Relaxed) & SLEEPERS != 0
    }

    /// Wakes whom the change concerns, if anybody sleeps. To be called after the change.
    #[inline]
    pub(super) fn ring(&self, ringer: &mut Ringer, sleepers: Sleepers) {
        if !self.is_calm() {
            self.ring_carefully(ringer, sleepers);
        }
    }

    #[inline(never)]
    fn ring_carefully(&self, ringer: &mut Ringer, sleepers: Sleepers) {
        fence(SeqCst);
        let word = self.word.load(Relaxed);
        match word & STATE {
            CALM => {}
            WATCHFUL => {
                ringer.unheard += 1;
                if ringer.unheard >= UNTIL_CALM {
                    ringer.unheard = 0;
                    // Whoever has said meanwhile that he sleeps is left as he is.
                    let _ = self.word.compare_exchange(word, word & !WATCHFUL, SeqCst, Relaxed);
                }
            }
            _ => {
                ringer.unheard = 0;
                match sleepers {
                    Sleepers::One | Sleepers::All => self.wake_all(),
                    Sleepers::Many => self.wake_one(),
                }
            }
        }
    }

    /// Wakes everybody who sleeps, after something that concerns them all.
    pub(super) fn ring_for_all(&self) {
        fence(SeqCst);
        if self.word.load(Relaxed) & SLEEPERS != 0 {
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
        let _ = futex::add_and_wake_all(&self.word, SLEEPERS);
    }

    /// Says that the caller is about to sleep; look once more, and then [`sleep`](Bell::sleep). `rested` is where the caller
    /// slept last, if that was for as long as he had to.
    ///
    /// From a word that says that somebody sleeps, no way leads to calm but by counting that all were woken. So if it still is
    /// as where he rested, there was no calm since, and he need not nap again.
    pub(super) fn lie_down(&self, rested: Option<Bed>) -> Bed {
        let found = self.word.fetch_or(ASLEEP, SeqCst);
        // That alone is not in order with loads after it.
        fence(SeqCst);
        let most = match found & STATE {
            WATCHFUL => Duration::MAX,
            ASLEEP if rested.is_some_and(|bed| bed.word == found) => Duration::MAX,
            // Another one may have found it calm just now.
            _ => NAP,
        };
        Bed { word: found | ASLEEP, most }
    }

    /// Sleeps until somebody rings, or until the deadline; sometimes ends for nothing.
    pub(super) fn sleep(&self, bed: Bed, deadline: Deadline) -> nix::Result<()> {
        match futex::wait(&self.word, bed.word, futex::ANY, deadline) {
            Ok(()) | Err(Errno::EAGAIN | Errno::ETIMEDOUT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Whether nobody has rung for all since this one lay down.
    pub(super) fn is_quiet(&self, bed: Bed) -> bool {
        self.word.load(SeqCst) == bed.word
    }

    /// Lets everybody who sleeps look at other things than the word.
    pub(super) fn disturb(&self) {
        // What can fail is the memory under the word, and then nobody sleeps.
        let _ = futex::wake(&self.word, u32::MAX, futex::ANY);
    }

    /// Takes back what [`lie_down`](Bell::lie_down) said, where nobody else can sleep. Who had to nap and has not slept leaves
    /// the word calm, as it was: a waker may still be passing without a fence, with more than was found.
    pub(super) fn get_up(&self, bed: Bed, rested: bool) {
        let left = if rested { SLEEPERS } else { ASLEEP };
        let _ = self.word.compare_exchange(bed.word, bed.word & !left, SeqCst, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_has_not_left_is_counted() {
        let bell = Bell::default();
        assert_eq!((bell.remaining(0), bell.remaining(3)), (0, 3));
        bell.depart();
        bell.want_copies(true);
        assert_eq!((bell.remaining(3), bell.remaining(1)), (2, 0));
        // Forked children have left without having come.
        bell.depart();
        assert_eq!(bell.remaining(1), 0);
    }

    #[test]
    fn numbers_of_those_who_came_and_left_wrap() {
        let bell = Bell::default();
        bell.notice.store((u32::MAX - 1) & !WANTS_COPIES, Relaxed);
        let came = u32::MAX / 2;
        assert_eq!(bell.remaining(came), 0);
        assert_eq!(bell.remaining(came.wrapping_add(5)), 5);
        bell.depart();
        assert_eq!(bell.remaining(came.wrapping_add(5)), 4);
    }
}
