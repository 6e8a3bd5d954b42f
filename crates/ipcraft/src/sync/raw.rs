//! The base of all locks: a robust, process-shared mutex of the C library.
//!
//! Of the kinds of pthread mutex only the robust one of type `NORMAL` works between processes. The
//! kernel unlocks it when its owner dies, at whatever instruction, and wakes the next waiter. The
//! types that compare the owner's thread id with the caller's would mistake a thread of another pid
//! namespace for the caller.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use libc::{CLOCK_MONOTONIC, PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_SHARED, pthread_mutex_t};
use nix::errno::Errno;
use nix::unistd::gettid;

use super::held_count::HeldCount;
use super::pid_namespace::{self, PidNamespace};
use crate::sys::ffi::{PTHREAD_MUTEX_ROBUST, pthread_mutex_clocklock};
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
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: because the attributes are initialized before they are used and destroyed last.
        // No other thread uses the mutex before `namespace` is set.
        unsafe {
            result(libc::pthread_mutexattr_init(attributes))?;
            let outcome = result(libc::pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED))
                .and_then(|()| result(libc::pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST)))
                .and_then(|()| result(libc::pthread_mutexattr_settype(attributes, PTHREAD_MUTEX_NORMAL)))
                .and_then(|()| result(libc::pthread_mutex_init(self.mutex.get(), attributes)));
            libc::pthread_mutexattr_destroy(attributes);
            outcome?;
        }
        self.namespace.init(namespace);
        Ok(())
    }

    /// `pthread_mutex_lock(3)`: blocks until this thread owns the mutex.
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
        let unlocked =
            self.namespace.check().is_ok() && unsafe { libc::pthread_mutex_unlock(self.mutex.get()) } == 0;
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
        self.owner() == gettid().as_raw() as u32
    }

    /// Returns whether a thread of this process owns the mutex.
    pub(super) fn is_owned_by_process(&self) -> bool {
        let owner = self.owner();
        // SAFETY: because signal 0 is not delivered; the call only checks that this process has the
        // thread.
        owner != 0 && unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), owner, 0) } == 0
    }

    /// Returns whether no thread, dead or alive, owns the mutex. The answer may be stale already.
    pub(super) fn is_free(&self) -> bool {
        self.word().load(Relaxed) & (libc::FUTEX_TID_MASK | libc::FUTEX_OWNER_DIED) == 0
    }

    /// Returns the thread id of the owner, or 0 if no thread of this namespace owns the mutex.
    fn owner(&self) -> u32 {
        if self.namespace.check().is_ok() { self.word().load(Relaxed) & libc::FUTEX_TID_MASK } else { 0 }
    }

    /// Returns the word in which the kernel finds the owner.
    fn word(&self) -> &AtomicU32 {
        // SAFETY: because `owner_word_index` is that of an aligned word within the mutex, which the
        // C library and the kernel change atomically.
        unsafe { AtomicU32::from_ptr(self.mutex.get().cast::<u32>().add(owner_word_index())) }
    }

    /// Counts a lock before it is acquired, so that a death right afterwards stays within the limit
    /// of the kernel.
    #[inline]
    fn acquire_with(&self, lock: impl FnOnce() -> libc::c_int) -> nix::Result<PreviousOwner> {
        self.namespace.check()?;
        HeldCount::acquire()?;
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

fn result(errno: libc::c_int) -> nix::Result<()> {
    if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) }
}

/// Returns the index of the 32-bit word of a mutex that holds its owner.
///
/// The index depends on the C library; locking a mutex reveals it.
fn owner_word_index() -> usize {
    static INDEX: OnceLock<usize> = OnceLock::new();
    *INDEX.get_or_init(|| {
        const WORDS: usize = size_of::<pthread_mutex_t>() / size_of::<u32>();
        // SAFETY: because zero bytes are an uninitialized mutex.
        let mutex: RawMutex = unsafe { MaybeUninit::zeroed().assume_init() };
        let locked = mutex.init().and_then(|()| mutex.lock());
        // SAFETY: because a mutex consists of this many words, and no other thread uses this one.
        let words: [u32; WORDS] = unsafe { mutex.mutex.get().cast::<[u32; WORDS]>().read() };
        if locked.is_ok() {
            mutex.unlock();
        }
        words.iter().position(|word| word & libc::FUTEX_TID_MASK == gettid().as_raw() as u32).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::held_count::{LIMIT_EXCEEDED, MAX_LOCKS};
    use super::*;

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
