//! Waiting until the data of a mutex is as one wants it.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use nix::errno::Errno;

use super::atomic::{AtomicU32, futex};
use super::{LockError, MutexGuard};
use crate::error::{Error, Result};
use crate::shm::Plain;
use crate::time::Deadline;

/// A place to sleep until another process has changed what a [`Mutex`](super::Mutex) guards.
///
/// Change the data under the lock, then notify. Whoever wakes looks at the data again: it may be woken for nothing, and
/// somebody else may have been faster; [`wait_while`](Condvar::wait_while) does so.
///
/// A notification wakes *everybody* who waits, [`notify_one`](Condvar::notify_one) too: one that woke a single waiter
/// would be lost with it if it were killed before it could act. And what is changed and who is woken is one step of
/// the kernel's, so a notifier cannot die between the two.
///
/// A process that is killed after it has changed the data and before it notifies has not notified: those who sleep do so
/// until the next notification. Wait with a timeout where that one may have been the last.
///
/// Zero bytes are one that nobody waits on, so new memory needs no initialisation. Takes 8 bytes.
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
    /// Counts the notifications that somebody waited for, and wraps. Who waits sleeps on it.
    notifications: AtomicU32,
    /// How many wait. Waiters that were killed count for ever, which costs later notifiers a system call.
    waiters: AtomicU32,
}

/// How a wait with a timeout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitTimeoutResult {
    /// By a notification.
    Notified,
    /// By the timeout.
    TimedOut,
}

/// What a wait returns: the lock again, which may be inconsistent like that of any other call.
type Relocked<'a, T> = Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>>;

impl Condvar {
    /// `pthread_cond_wait(3)`: unlocks the mutex, waits for a notification, and locks it again.
    ///
    /// Unlocking and beginning to wait is one step for whoever changes the data under the lock.
    ///
    /// # Errors
    ///
    /// Those of [`Mutex::lock`](super::Mutex::lock).
    #[doc(alias = "pthread_cond_wait")]
    pub fn wait<'a, T: Plain>(&self, guard: MutexGuard<'a, T>) -> Relocked<'a, T> {
        let mutex = guard.mutex();
        self.sleep(guard, Deadline::NEVER).map_err(LockError::Failed)?;
        mutex.lock()
    }

    /// `pthread_cond_clockwait(3)`: [`wait`](Condvar::wait) for at most `timeout`; the lock is taken again in any case,
    /// however long that takes.
    ///
    /// # Errors
    ///
    /// Those of [`Mutex::lock`](super::Mutex::lock).
    #[doc(alias = "pthread_cond_timedwait")]
    #[doc(alias = "pthread_cond_clockwait")]
    pub fn wait_timeout<'a, T: Plain>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let mutex = guard.mutex();
        let woken = self.sleep(guard, Deadline::after(timeout)).map_err(LockError::Failed)?;
        Ok((mutex.lock()?, woken))
    }

    /// [`wait`](Condvar::wait)s for as long as the condition holds; not at all if it does not.
    ///
    /// If it returns inconsistent data, nobody has looked whether the condition still holds: do so after the repair.
    ///
    /// # Errors
    ///
    /// Those of [`Mutex::lock`](super::Mutex::lock).
    pub fn wait_while<'a, T: Plain>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Relocked<'a, T> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// [`wait_while`](Condvar::wait_while) for at most `timeout`; says [`TimedOut`](WaitTimeoutResult::TimedOut) if the condition
    /// still holds then.
    ///
    /// # Errors
    ///
    /// Those of [`Mutex::lock`](super::Mutex::lock).
    pub fn wait_while_timeout<'a, T: Plain>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let deadline = Deadline::after(timeout);
        let mut woken = WaitTimeoutResult::Notified;
        while condition(&mut guard) {
            if woken == WaitTimeoutResult::TimedOut {
                return Ok((guard, woken));
            }
            let mutex = guard.mutex();
            woken = self.sleep(guard, deadline).map_err(LockError::Failed)?;
            guard = mutex.lock()?;
        }
        Ok((guard, WaitTimeoutResult::Notified))
    }

    /// `pthread_cond_signal(3)`: wakes at least one of those who wait; see [above](Condvar) why it is all of them.
    ///
    /// Without a system call if nobody waits. A notifier that does not change the data under the lock may come just
    /// before a waiter goes to sleep, and then wakes nobody.
    ///
    /// # Errors
    ///
    /// None is known.
    #[doc(alias = "pthread_cond_signal")]
    pub fn notify_one(&self) -> Result<()> {
        self.notify_all()
    }

    /// `pthread_cond_broadcast(3)`: wakes all who wait. Without a system call if nobody does.
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

    /// Unlocks and sleeps until there is a notification that was not there before.
    fn sleep<T: Plain>(&self, guard: MutexGuard<'_, T>, deadline: Deadline) -> Result<WaitTimeoutResult> {
        self.waiters.fetch_add(1, SeqCst);
        let before = self.notifications.load(SeqCst);
        drop(guard);
        let woken = self.sleep_while(before, deadline);
        self.waiters.fetch_sub(1, SeqCst);
        woken
    }

    fn sleep_while(&self, before: u32, deadline: Deadline) -> Result<WaitTimeoutResult> {
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
