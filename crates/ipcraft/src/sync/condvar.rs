//! Blocking until the data of a mutex meets a condition.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU32, futex};
use super::mutex::LockResult;
use super::{LockError, MutexGuard};
use crate::error::{Error, Result};
use crate::shm::Plain;
use crate::time::Deadline;

/// A condition variable: blocks until another process has changed the data of a
/// [`Mutex`](super::Mutex).
///
/// Change the data under the lock, then notify. A woken waiter must check the data again: wake-ups
/// can be spurious, and another waiter may act first. [`wait_while`](Condvar::wait_while) does so.
///
/// A notification wakes **all** waiters, and so does [`notify_one`](Condvar::notify_one). A single
/// woken waiter could be killed before it acts, and the notification would be lost. The kernel
/// changes the word and wakes the waiters in one step, so a notifier cannot die in between.
///
/// If a process is killed after it changed the data and before it notifies, the waiters stay
/// blocked until the next notification. Wait with a timeout if that notification may have been the
/// last.
///
/// Zero bytes are a condition variable without waiters, so new memory needs no initialization.
/// Takes 8 bytes.
///
/// ```
/// use ipcraft::shm::{Shared, memfd::Memfd};
/// use ipcraft::sync::{Condvar, Mutex};
///
/// ipcraft::shared_struct! {
///     struct Jobs {
///         waiting: Mutex<u32>,
///         more: Condvar,
///     }
/// }
///
/// let memory = Memfd::create("jobs", Shared::<Jobs>::SIZE)?;
/// let jobs = Shared::<Jobs>::initialize(memory.map()?, |jobs| jobs.waiting.init(0))?;
///
/// // Usually in another process:
/// *jobs.waiting.lock().or_else(|e| e.repair(|_| ()))? += 1;
/// jobs.more.notify_one()?;
///
/// let mut guard = jobs.waiting.lock().or_else(|e| e.repair(|_| ()))?;
/// while *guard == 0 {
///     guard = jobs.more.wait(guard).or_else(|e| e.repair(|_| ()))?;
/// }
/// *guard -= 1;
/// # Ok::<(), ipcraft::Error>(())
/// ```
#[derive(Debug, Default)]
#[repr(C)]
pub struct Condvar {
    /// The count of notifications that had a waiter, modulo 2^32. Waiters block on this word.
    notifications: AtomicU32,
    /// The count of waiters. Killed waiters stay counted, which costs later notifiers a system
    /// call.
    waiters: AtomicU32,
}

/// How a wait with a timeout ended.
///
/// The enum is exhaustive on purpose: a wait ends in one of these two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitTimeoutResult {
    /// By a notification.
    Notified,
    /// By the timeout.
    TimedOut,
}

impl Condvar {
    /// `pthread_cond_wait(3)`: unlocks the mutex, blocks until a notification, and locks it again.
    ///
    /// No notification by a thread that changes the data under the lock is missed. Other locks that
    /// this thread holds stay held. If the notifier needs one of them, the wait never ends.
    ///
    /// # Errors
    ///
    /// As [`Mutex::lock`](super::Mutex::lock).
    #[doc(alias = "pthread_cond_wait")]
    pub fn wait<'a, T: Plain>(&self, guard: MutexGuard<'a, T>) -> LockResult<'a, T> {
        let mutex = guard.mutex();
        self.unlock_and_block(guard, Deadline::NEVER).map_err(LockError::Failed)?;
        mutex.lock()
    }

    /// `pthread_cond_clockwait(3)`: waits as [`wait`](Condvar::wait), for at most `timeout`.
    ///
    /// Locks the mutex again in any case, however long that takes.
    ///
    /// # Errors
    ///
    /// As [`Mutex::lock`](super::Mutex::lock).
    #[doc(alias = "pthread_cond_timedwait")]
    #[doc(alias = "pthread_cond_clockwait")]
    pub fn wait_timeout<'a, T: Plain>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> std::result::Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let mutex = guard.mutex();
        let result = self.unlock_and_block(guard, Deadline::after(timeout)).map_err(LockError::Failed)?;
        Ok((mutex.lock()?, result))
    }

    /// Waits while `condition` returns true. Does not block if it returns false immediately.
    ///
    /// If this returns inconsistent data, the condition was not checked: check it after the repair.
    ///
    /// # Errors
    ///
    /// As [`Mutex::lock`](super::Mutex::lock).
    pub fn wait_while<'a, T: Plain>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<'a, T> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits as [`wait_while`](Condvar::wait_while), for at most `timeout`.
    ///
    /// Returns [`TimedOut`](WaitTimeoutResult::TimedOut) if the condition is still true then.
    ///
    /// # Errors
    ///
    /// As [`Mutex::lock`](super::Mutex::lock).
    pub fn wait_while_timeout<'a, T: Plain>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> std::result::Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let deadline = Deadline::after(timeout);
        let mut result = WaitTimeoutResult::Notified;
        while condition(&mut guard) {
            if result == WaitTimeoutResult::TimedOut {
                return Ok((guard, result));
            }
            let mutex = guard.mutex();
            result = self.unlock_and_block(guard, deadline).map_err(LockError::Failed)?;
            guard = mutex.lock()?;
        }
        Ok((guard, WaitTimeoutResult::Notified))
    }

    /// `pthread_cond_signal(3)`: wakes all waiters, for the reason given [above](Condvar).
    ///
    /// Makes no system call without waiters. A notifier that does not change the data under the
    /// lock may run just before a waiter blocks, and then wakes nothing.
    ///
    /// # Errors
    ///
    /// None is known.
    #[doc(alias = "pthread_cond_signal")]
    pub fn notify_one(&self) -> Result<()> {
        self.notify_all()
    }

    /// `pthread_cond_broadcast(3)`: wakes all waiters. Makes no system call without waiters.
    ///
    /// # Errors
    ///
    /// None is known.
    #[doc(alias = "pthread_cond_broadcast")]
    pub fn notify_all(&self) -> Result<()> {
        if self.waiters.load(SeqCst) == 0 {
            return Ok(());
        }
        futex::add_and_wake_all(&self.notifications, 1)
            .map_err(|e| Error::from_errno("futex(FUTEX_WAKE_OP)", e))
    }

    /// Unlocks and blocks until a notification that follows this call.
    fn unlock_and_block<T: Plain>(
        &self,
        guard: MutexGuard<'_, T>,
        deadline: Deadline,
    ) -> Result<WaitTimeoutResult> {
        self.waiters.fetch_add(1, SeqCst);
        let before = self.notifications.load(SeqCst);
        drop(guard);
        let result = self.block_while(before, deadline);
        self.waiters.fetch_sub(1, SeqCst);
        result
    }

    fn block_while(&self, before: u32, deadline: Deadline) -> Result<WaitTimeoutResult> {
        while self.notifications.load(SeqCst) == before {
            match futex::wait(&self.notifications, before, futex::ANY, deadline) {
                Ok(()) | Err(Errno::EAGAIN) => {}
                Err(Errno::ETIMEDOUT) => return Ok(WaitTimeoutResult::TimedOut),
                Err(errno) => return Err(Error::from_errno("futex(FUTEX_WAIT_BITSET)", errno)),
            }
        }
        Ok(WaitTimeoutResult::Notified)
    }
}
