//! The base of all locks: a robust, process-shared mutex of the C library.
//!
//! Of the kinds of pthread mutex only the robust one works between processes. The kernel unlocks it
//! when its owner dies, at whatever instruction, and wakes the next waiter. The mutex compares the
//! owner's thread id with the caller's, so that a thread does not wait for itself. Each lock is
//! bound to a pid namespace, because another one gives the same id to another thread.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed},
};

use libc::{CLOCK_MONOTONIC, pthread_mutex_t};
use nix::errno::Errno;
use nix::unistd::getpid;

use super::c_library;
use super::held_count::{HeldCount, LIMIT_EXCEEDED, MAX_LOCKS};
use super::pid_namespace::{self, PidNamespace};
use crate::sys::ffi::pthread_mutex_clocklock;
use crate::sys::gettid::gettid;
use crate::sys::signal::tgkill;
use crate::time::Deadline;

/// What became of the previous owner of a lock that was just acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PreviousOwner {
    /// It unlocked, or there was none.
    Unlocked,
    /// It died. The new owner calls [`mark_consistent`](RawMutex::mark_consistent) before it
    /// unlocks.
    Died,
}

/// A robust mutex without data, in memory that processes share.
///
/// Zero bytes are an uninitialized mutex, which cannot be locked.
#[repr(C)]
pub(super) struct RawMutex {
    /// Passed to the C library only after `namespace` was set, and so after it was initialized. It
    /// stays mapped at its address while the `RawMutex` is borrowed.
    mutex: UnsafeCell<pthread_mutex_t>,
    /// The namespace in which the mutex may be used. Set when `mutex` is initialized.
    namespace: PidNamespace,
}

// SAFETY: because a pthread mutex is made to be used by several threads, and only functions of the
// C library access it.
unsafe impl Sync for RawMutex {}

impl RawMutex {
    /// `pthread_mutex_init(3)`: initializes new memory. A failure leaves the memory unchanged.
    pub(super) fn init(&self) -> nix::Result<()> {
        let namespace = pid_namespace::current()?;
        // SAFETY: because no other thread uses the mutex before `namespace` is set.
        unsafe { c_library::init(self.mutex.get())? };
        self.namespace.init(namespace);
        Ok(())
    }

    /// `pthread_mutex_lock(3)`: blocks until this thread owns the mutex. Fails with `EDEADLK` if it
    /// already does, as each form of locking does.
    #[inline]
    pub(super) fn lock(&self) -> nix::Result<PreviousOwner> {
        // SAFETY: because `acquire_with` checks the namespace first, so `mutex` is initialized.
        self.acquire_with(|| unsafe { libc::pthread_mutex_lock(self.mutex.get()) })
    }

    /// `pthread_mutex_trylock(3)`: fails with `EBUSY` if another thread owns the mutex.
    #[inline]
    pub(super) fn try_lock(&self) -> nix::Result<PreviousOwner> {
        // SAFETY: because `acquire_with` checks the namespace first, so `mutex` is initialized.
        self.acquire_with(|| unsafe { libc::pthread_mutex_trylock(self.mutex.get()) })
    }

    /// `pthread_mutex_clocklock(3)`: fails with `ETIMEDOUT` if the mutex is not free by the
    /// deadline.
    pub(super) fn lock_until(&self, deadline: Deadline) -> nix::Result<PreviousOwner> {
        match self.try_lock() {
            Err(Errno::EBUSY) => {}
            outcome => return outcome,
        }
        let Some(until) = deadline.absolute() else { return self.lock() };
        // SAFETY: because `acquire_with` checks the namespace first, so `mutex` is initialized, and
        // the call only reads the time.
        self.acquire_with(|| unsafe {
            pthread_mutex_clocklock(self.mutex.get(), CLOCK_MONOTONIC, until.as_ref())
        })
    }

    /// `pthread_mutex_unlock(3)`: unlocks the mutex, by the thread that owns it.
    ///
    /// Returns false and does nothing in a forked child, which copied a guard but owns no lock.
    #[inline]
    pub(super) fn unlock(&self) -> bool {
        // SAFETY: because the namespace is checked first, so `mutex` is initialized, and unlocking
        // a mutex of this type that another thread owns fails and changes nothing.
        let unlocked = self.is_ours() && unsafe { libc::pthread_mutex_unlock(self.mutex.get()) } == 0;
        HeldCount::release();
        unlocked
    }

    /// `pthread_mutex_consistent(3)`: declares the mutex consistent, by a thread that acquired it
    /// with [`PreviousOwner::Died`]. Without this call, unlocking makes the mutex unusable.
    pub(super) fn mark_consistent(&self) {
        // SAFETY: because the caller locked the mutex, so it is initialized, and the call fails and
        // changes nothing if the mutex is consistent already.
        unsafe { libc::pthread_mutex_consistent(self.mutex.get()) };
    }

    /// Accepts a mutex whose previous owner died, where a death leaves nothing to repair.
    #[inline]
    pub(super) fn ignore_owner_death(&self, acquired: nix::Result<PreviousOwner>) -> nix::Result<()> {
        if acquired? == PreviousOwner::Died {
            self.mark_consistent();
        }
        Ok(())
    }

    /// Returns whether this thread owns the mutex. False if only the parent of a forked child does.
    pub(super) fn is_owned_by_caller(&self) -> bool {
        self.owner() == gettid()
    }

    /// Returns whether this thread owns any of the mutexes.
    pub(super) fn is_any_owned_by_caller<'a>(mut locks: impl Iterator<Item = &'a RawMutex>) -> bool {
        let caller = gettid();
        locks.any(|lock| lock.owner() == caller)
    }

    /// Returns whether a thread of this process owns the mutex.
    pub(super) fn is_owned_by_process(&self) -> bool {
        // Signal 0 is not delivered; the call only checks that this process has the thread.
        const NO_SIGNAL: libc::c_int = 0;
        let (owner, process) = (self.owner() as libc::pid_t, getpid().as_raw());
        owner != 0 && tgkill(process, owner, NO_SIGNAL).is_ok()
    }

    /// Returns whether no thread, dead or alive, owns the mutex. The answer may be stale already.
    /// If it is true, this thread sees what the last owner wrote.
    pub(super) fn is_free(&self) -> bool {
        self.is_free_by(c_library::owner_word_index())
    }

    /// Returns those of the mutexes that a thread owns, dead or alive, as [`is_free`] finds out.
    ///
    /// [`is_free`]: RawMutex::is_free
    #[inline]
    pub(super) fn taken<'a>(locks: impl Iterator<Item = &'a RawMutex>) -> impl Iterator<Item = &'a RawMutex> {
        let owner_word_index = c_library::owner_word_index();
        locks.filter(move |lock| !lock.is_free_by(owner_word_index))
    }

    #[inline]
    fn is_free_by(&self, owner_word_index: usize) -> bool {
        self.word_at(owner_word_index).load(Acquire) & (libc::FUTEX_TID_MASK | libc::FUTEX_OWNER_DIED) == 0
    }

    /// Returns the thread id of the owner, or 0 if no thread of this namespace owns the mutex.
    fn owner(&self) -> u32 {
        if self.namespace.is_set() && self.is_ours() {
            self.word().load(Relaxed) & libc::FUTEX_TID_MASK
        } else {
            0
        }
    }

    /// Returns the word in which the kernel finds the owner.
    fn word(&self) -> &AtomicU32 {
        self.word_at(c_library::owner_word_index())
    }

    /// Returns a word of the mutex, given what [`c_library::owner_word_index`] returned.
    #[inline]
    fn word_at(&self, owner_word_index: usize) -> &AtomicU32 {
        // SAFETY: because `owner_word_index` is that of an aligned word within the mutex, which the
        // C library and the kernel change atomically.
        unsafe { AtomicU32::from_ptr(self.mutex.get().cast::<u32>().add(owner_word_index)) }
    }

    /// Returns whether this process may use the mutex, which is initialized.
    #[inline]
    fn is_ours(&self) -> bool {
        self.namespace.is_current() || self.namespace.check().is_ok()
    }

    /// Finds out whether this thread may lock. The first lock of a process gets here.
    #[cold]
    fn check_slow(&self, held: u32) -> nix::Result<()> {
        self.namespace.check()?;
        if held < MAX_LOCKS { Ok(()) } else { Err(LIMIT_EXCEEDED) }
    }

    /// Counts a lock before it is acquired, so that a death right afterwards stays within the limit
    /// of the kernel.
    #[inline]
    fn acquire_with(&self, lock: impl FnOnce() -> libc::c_int) -> nix::Result<PreviousOwner> {
        let held = HeldCount::get();
        if !HeldCount::is_below_limit(held) || !self.namespace.is_current() {
            self.check_slow(held)?;
        }
        HeldCount::acquire(held);
        match lock() {
            0 => Ok(PreviousOwner::Unlocked),
            libc::EOWNERDEAD => Ok(PreviousOwner::Died),
            errno => {
                HeldCount::release();
                Err(Errno::from_raw(errno))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::MaybeUninit;

    fn mutex() -> Box<RawMutex> {
        // SAFETY: because zero bytes are an uninitialized mutex.
        let mutex: Box<RawMutex> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        mutex.init().unwrap();
        mutex
    }

    #[test]
    fn lock_stores_the_owner_where_other_threads_find_it() {
        let mutex = mutex();
        assert!(!mutex.is_owned_by_process());
        mutex.lock().unwrap();
        assert!(mutex.is_owned_by_process() && mutex.is_owned_by_caller());
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(mutex.is_owned_by_process() && !mutex.is_owned_by_caller()));
        });
        mutex.unlock();
        assert!(!mutex.is_owned_by_process());
    }

    #[test]
    fn lock_by_its_owner_fails_with_edeadlk_in_every_form() {
        let mutex = mutex();
        mutex.lock().unwrap();
        assert_eq!(mutex.lock(), Err(Errno::EDEADLK));
        assert_eq!(mutex.try_lock(), Err(Errno::EDEADLK));
        assert_eq!(mutex.lock_until(Deadline::NEVER), Err(Errno::EDEADLK));
        assert!(mutex.is_owned_by_caller(), "it stays locked");
        assert!(mutex.unlock());
        assert_eq!(mutex.try_lock(), Ok(PreviousOwner::Unlocked));
        assert!(mutex.unlock());
    }

    #[test]
    fn lock_after_owner_thread_ended_returns_died() {
        let mutex = mutex();
        std::thread::scope(|scope| scope.spawn(|| mutex.lock().map(drop)).join().unwrap().unwrap());
        assert_eq!(mutex.try_lock(), Ok(PreviousOwner::Died));
        mutex.mark_consistent();
        mutex.unlock();
        assert_eq!(mutex.try_lock(), Ok(PreviousOwner::Unlocked));
        mutex.unlock();
    }

    #[test]
    fn lock_beyond_the_robust_list_limit_fails_until_another_is_unlocked() {
        let all: Vec<_> = (0..=MAX_LOCKS).map(|_| mutex()).collect();
        let (held, extra) = all.split_at(MAX_LOCKS as usize);
        for mutex in held {
            mutex.lock().unwrap();
        }
        assert_eq!(extra[0].lock(), Err(LIMIT_EXCEEDED));
        assert_eq!(extra[0].try_lock(), Err(LIMIT_EXCEEDED));
        held[0].unlock();
        assert_eq!(extra[0].lock(), Ok(PreviousOwner::Unlocked));
        for mutex in &all[1..] {
            mutex.unlock();
        }
    }
}
