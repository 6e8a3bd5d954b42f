//! Locks with priority inheritance: the owner runs with the priority of the most urgent waiter.
//!
//! A thread of low priority owns a lock, and one of high priority waits for it. A third thread, of
//! middle priority, keeps the owner from running, and so the most urgent thread waits for the one
//! in the middle. That is *priority inversion*. A lock of this module lends the owner the priority
//! of its waiter until it unlocks.
//!
//! # When to use it
//!
//! Threads of different **real-time** priorities (`SCHED_FIFO`, `SCHED_RR`, `SCHED_DEADLINE`) share
//! data, in one process or in several.
//!
//! # When not
//!
//! * **All threads are ordinary ones** (`SCHED_OTHER`, also with different nice values): the kernel
//!   lends nothing. A [`Mutex`](crate::sync::Mutex) is faster under contention.
//! * **A thread calls exec while it owns the lock**, or **many threads come and go**: see *Death*.
//!   A [`Mutex`](crate::sync::Mutex) reports each death of an owner.
//! * The processes do not trust each other: any of them can write the word.
//! * The lock must be handed from one thread to another, or a condition is awaited: use another
//!   word with [`wait`](super::wait).
//!
//! # Example
//!
//! ```
//! use std::thread;
//! use ipcraft::futex::pi::{self, PreviousOwner};
//! use ipcraft::shm::memfd::Memfd;
//!
//! let memory = Memfd::create("doc-futex-pi", 4096)?;
//! let (ours, theirs) = (memory.map()?, memory.map()?); // the second usually in another process
//! let word = ours.atomic_u32(0)?; // zero: a free lock
//! assert_eq!(pi::lock(word)?, PreviousOwner::Unlocked);
//! let peer = thread::spawn(move || -> ipcraft::Result<PreviousOwner> {
//!     let word = theirs.atomic_u32(0)?;
//!     pi::lock(word) // blocks while it is taken, and lends its priority to the owner
//! }); // ends without unlocking
//! pi::unlock(word)?;
//! assert_eq!(peer.join().unwrap()?, PreviousOwner::Unlocked);
//! assert_eq!(pi::lock(word)?, PreviousOwner::Died); // the data may be half changed
//! pi::unlock(word)?;
//! # Ok::<(), ipcraft::Error>(())
//! ```
//!
//! # Contract
//!
//! * **The word** is zero while the lock is free. Otherwise it holds the owner's thread id and two
//!   bits of the kernel's (`FUTEX_WAITERS`, `FUTEX_OWNER_DIED`). Only this module may change it.
//!   The functions [`wait`](super::wait) and [`wake`](super::wake) are for other words.
//! * **System calls.** None to lock a free lock, and none to unlock if no thread waits. A lock that
//!   is taken costs one system call in every form, since only the kernel knows whether its owner is
//!   alive. The first call of a thread asks for its id (gettid(2)).
//! * **Order.** Unlocking publishes what was written before it to the next owner. The kernel gives
//!   the lock to the waiter with the highest priority, and among equals to the first that came.
//! * **Lending.** The kernel lends real-time and deadline priorities only, along whole chains: if
//!   the owner waits for another such lock, that lock's owner inherits, too. Nice values and
//!   `SCHED_IDLE` are not lent.
//! * **Time.** Timeouts use the monotonic clock. Before Linux 5.14 the kernel knows only the wall
//!   clock here: if that is set back during the call, the timeout is longer by the difference.
//! * **Signals.** A signal or a stop does not end a wait.
//! * **Threads.** Only the thread that locked can unlock. A thread that locks twice gets
//!   [`Deadlock`](crate::ErrorKind::Deadlock) in every form. Threads that wait for one another at
//!   such locks get it, too, in [`lock`] and [`lock_timeout`]: the kernel finds the circle.
//! * **Fork.** A child owns none of its parent's locks.
//! * **Death.** If the owner ends, by whatever cause, the next owner receives
//!   [`PreviousOwner::Died`]. A blocked waiter is woken immediately. There are two limits:
//!   - A later call recognises a dead owner by its thread id. If the kernel has given the id to
//!     another thread meanwhile, the call blocks until that thread ends.
//!   - A process that calls exec keeps its thread id. A waiter that is blocked then inherits the
//!     lock. A later one blocks until the new program ends.
//! * **Why no robust list.** The C library owns the list that the kernel walks at a death
//!   (get_robust_list(2)), with a layout of its own. A second list would disable its mutexes.
//! * **Pid namespaces.** A thread id belongs to one pid namespace, so all threads that share a lock
//!   must be in the same namespace.
//!
//! # Errors
//!
//! | errno | from | [`ErrorKind`] | what happened | what to do |
//! |---|---|---|---|---|
//! | `EAGAIN` | [`try_lock`] | [`WouldBlock`](crate::ErrorKind::WouldBlock) | another thread owns the lock | block, or try again later |
//! | `ETIMEDOUT` | [`lock_timeout`] | [`TimedOut`](crate::ErrorKind::TimedOut) | the lock was not available within the timeout | find out what the owner is doing |
//! | `EDEADLK` | locking | [`Deadlock`](crate::ErrorKind::Deadlock) | the calling thread owns the lock, or waits in a circle | unlock it first; lock in one order everywhere |
//! | `EPERM` | [`unlock`] | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the calling thread does not own the lock | unlock where it was locked |
//! | `EPERM` | locking | [`PermissionDenied`](crate::ErrorKind::PermissionDenied) | the owner in the word is a thread of the kernel | find the program that overwrote the word |
//! | `EINVAL` | all | [`Invalid`](crate::ErrorKind::Invalid) | threads wait on the word for another purpose, or the word was overwritten | find the program that uses the word |
//! | `EFAULT` | locking | [`Other`](crate::ErrorKind::Other) | the object behind the memory was truncated while the call was blocked | stop using the mapping: any other call raises `SIGBUS` |
//! | `ENOMEM` | locking | [`LimitReached`](crate::ErrorKind::LimitReached) | the kernel has no memory for its part of the lock | retry later |
//! | `ENOSYS` | all, if the kernel is called | [`Unsupported`](crate::ErrorKind::Unsupported) | the kernel was built without `CONFIG_FUTEX_PI`, or a filter refuses the call | use a [`Mutex`](crate::sync::Mutex) |
//! | `ESRCH` | locking | none: it is no error | the owner is dead | the lock is taken over, as [`PreviousOwner::Died`] |
//!
//! Sources: [futex(2)], [the kernel's page on priority inheritance].
//!
//! [`ErrorKind`]: crate::ErrorKind
//! [futex(2)]: https://man7.org/linux/man-pages/man2/futex.2.html
//! [the kernel's page on priority inheritance]: https://docs.kernel.org/locking/pi-futex.html

mod acquire;
mod thread_id;

use std::sync::atomic::{AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::time::Duration;

use nix::errno::Errno;

use self::acquire::acquire;
use self::thread_id::thread_id;
use crate::error::{Error, Result};
use crate::sys::futex_pi;
use crate::time::Deadline;

/// What became of the thread that owned a lock before.
#[must_use = "after the death of the owner the data may be half changed"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreviousOwner {
    /// It unlocked, or there was none.
    Unlocked,
    /// It ended while it owned the lock, or did not repair the data of such a thread before it
    /// ended. The data may be half changed. Unlocking declares it repaired.
    Died,
}

/// `futex(2)` with `FUTEX_LOCK_PI`: blocks until the calling thread owns the lock.
///
/// # Errors
///
/// [`Deadlock`](crate::ErrorKind::Deadlock) if this thread owns the lock, or waits in a circle;
/// [`Unsupported`](crate::ErrorKind::Unsupported) without priority inheritance in the kernel;
/// [`Invalid`](crate::ErrorKind::Invalid) or
/// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the word is in use for another
/// purpose; `EFAULT` if the memory was truncated while the call was blocked.
#[doc(alias = "FUTEX_LOCK_PI")]
#[inline]
pub fn lock(word: &AtomicU32) -> Result<PreviousOwner> {
    let me = thread_id();
    if is_taken(word, me) {
        return lock_slow(word, me, Deadline::NEVER);
    }
    Ok(PreviousOwner::Unlocked)
}

/// `futex(2)` with `FUTEX_LOCK_PI2`: locks, and blocks for at most `timeout`.
///
/// # Errors
///
/// [`TimedOut`](crate::ErrorKind::TimedOut) if other threads own the lock for all of `timeout`;
/// otherwise as [`lock`].
#[doc(alias = "FUTEX_LOCK_PI2")]
#[inline]
pub fn lock_timeout(word: &AtomicU32, timeout: Duration) -> Result<PreviousOwner> {
    let me = thread_id();
    if is_taken(word, me) {
        return lock_slow(word, me, Deadline::after(timeout));
    }
    Ok(PreviousOwner::Unlocked)
}

/// `futex(2)` with `FUTEX_TRYLOCK_PI`: locks without blocking.
///
/// # Errors
///
/// [`WouldBlock`](crate::ErrorKind::WouldBlock) if another thread owns the lock; otherwise as
/// [`lock`].
#[doc(alias = "FUTEX_TRYLOCK_PI")]
#[inline]
pub fn try_lock(word: &AtomicU32) -> Result<PreviousOwner> {
    let me = thread_id();
    if is_taken(word, me) {
        return acquire(word, me, futex_pi::try_lock_pi)
            .map_err(|errno| failed("futex(FUTEX_TRYLOCK_PI)", errno));
    }
    Ok(PreviousOwner::Unlocked)
}

/// `futex(2)` with `FUTEX_UNLOCK_PI`: unlocks, and gives the lock to the most urgent waiter.
///
/// After [`PreviousOwner::Died`] this also declares the data repaired.
///
/// # Errors
///
/// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if the calling thread does not own the
/// lock; otherwise as [`lock`].
#[doc(alias = "FUTEX_UNLOCK_PI")]
#[inline]
pub fn unlock(word: &AtomicU32) -> Result<()> {
    match word.compare_exchange(thread_id(), 0, Release, Relaxed) {
        Ok(_) => Ok(()),
        Err(_) => unlock_slow(word),
    }
}

/// Takes the lock if it is free. Returns whether it was not.
#[inline]
fn is_taken(word: &AtomicU32, me: u32) -> bool {
    word.compare_exchange(0, me, Acquire, Relaxed).is_err()
}

#[cold]
fn lock_slow(word: &AtomicU32, me: u32, deadline: Deadline) -> Result<PreviousOwner> {
    let locked = acquire(word, me, |word| futex_pi::lock_pi(word, deadline));
    locked.map_err(|errno| failed("futex(FUTEX_LOCK_PI)", errno))
}

/// The kernel fails with `EPERM` if another thread owns the lock.
#[cold]
fn unlock_slow(word: &AtomicU32) -> Result<()> {
    futex_pi::unlock_pi(word).map_err(|errno| match errno {
        Errno::EPERM => {
            let error = Error::from_errno("futex(FUTEX_UNLOCK_PI)", errno);
            error.with_hint("only the thread that locked it may unlock it")
        }
        _ => failed("futex(FUTEX_UNLOCK_PI)", errno),
    })
}

#[cold]
fn failed(operation: &'static str, errno: Errno) -> Error {
    let error = match errno {
        Errno::EAGAIN => Error::from_wait_errno(operation, errno),
        _ => super::failed(operation, errno),
    };
    match errno {
        Errno::EPERM => error.with_hint("the word names a kernel thread as owner; use it for one lock only"),
        Errno::EINVAL => error.with_hint("the word is used for another purpose; use it for one lock only"),
        Errno::ENOSYS => error.with_hint("build the kernel with CONFIG_FUTEX_PI, or use sync::Mutex"),
        _ => error,
    }
}
