//! Acquiring a lock that another thread owns, or owned.

use std::sync::atomic::{AtomicU32, Ordering::Acquire, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

use super::PreviousOwner;
use crate::sys::futex_pi;

/// Between two attempts while the kernel passes on the lock of a dead thread.
const PASSING_POLL: Duration = Duration::from_micros(100);

/// The attempts while the kernel passes on the lock of a dead thread, which takes microseconds. So
/// a second has passed, and the word must be in use for another purpose.
const MAX_PASSING_POLLS: u32 = 10_000;

/// The bits that hold the owner.
pub(super) fn owner(value: u32) -> u32 {
    value & libc::FUTEX_TID_MASK
}

/// Repeats a locking call of the kernel until it succeeds, or fails for a reason of the caller's.
///
/// The kernel knows nothing about a thread that died while it owned the lock and no thread waited.
/// It then fails with `ESRCH`, and the caller takes the lock over.
#[cold]
pub(super) fn acquire(
    word: &AtomicU32,
    me: u32,
    lock: impl Fn(&AtomicU32) -> nix::Result<()>,
) -> nix::Result<PreviousOwner> {
    let (mut dead_before, mut polls) = (None, 0);
    loop {
        match lock(word) {
            Ok(()) => return Ok(previous_owner(word)),
            Err(Errno::ESRCH) if take_over(word, me, dead_before) => return Ok(PreviousOwner::Died),
            Err(Errno::ESRCH) => dead_before = dead_owner(word),
            // The kernel has noticed the death, and the waiter that inherits has not yet run.
            Err(Errno::EINVAL) if polls < MAX_PASSING_POLLS && dead_owner(word).is_some() => {
                polls += 1;
                sleep(PASSING_POLL);
            }
            Err(errno) => return Err(errno),
        }
    }
}

/// Returns what became of the previous owner of a lock that the kernel has just given.
fn previous_owner(word: &AtomicU32) -> PreviousOwner {
    match word.load(Acquire) & libc::FUTEX_OWNER_DIED {
        0 => PreviousOwner::Unlocked,
        _ => PreviousOwner::Died,
    }
}

/// Takes the lock of a thread that was found dead before the kernel refused the lock for the second
/// time. Returns false if the word has another owner meanwhile.
///
/// A dead thread does not lock. So if it is the owner here, it was the owner at each moment since
/// it was found dead. The kernel then failed because of this thread, and so none was waiting.
/// None can begin to wait either: the kernel refuses to wait for a dead thread.
fn take_over(word: &AtomicU32, me: u32, dead: Option<u32>) -> bool {
    let seen = word.load(Relaxed);
    let taken = me | libc::FUTEX_OWNER_DIED | seen & libc::FUTEX_WAITERS;
    dead == Some(owner(seen)) && word.compare_exchange(seen, taken, Acquire, Relaxed).is_ok()
}

/// Returns the owner of the lock if it is a thread that has ended. A zombie has.
fn dead_owner(word: &AtomicU32) -> Option<u32> {
    let owner = owner(word.load(Relaxed));
    // The kernel searches the owner of any word, also of a word that no other thread knows.
    (futex_pi::try_lock_pi(&AtomicU32::new(owner)) == Err(Errno::ESRCH)).then_some(owner)
}
