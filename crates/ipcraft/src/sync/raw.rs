//! The base of all locks: a mutex of the C library that processes share and that survives its owner.
//!
//! Of the kinds of pthread mutex only the robust one of type `NORMAL` keeps its promise between processes: the kernel
//! unlocks it when its owner dies, at whatever instruction, and wakes the next. The types that look at the owner's thread
//! id take a thread of another pid namespace for their own.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use libc::{CLOCK_MONOTONIC, PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_SHARED, pthread_mutex_t};
use nix::errno::Errno;
use nix::unistd::gettid;

use super::held;
use super::namespace::{self, Namespace};
use crate::sys::ffi::{PTHREAD_MUTEX_ROBUST, pthread_mutex_clocklock};
use crate::time::Deadline;

/// What became of the last owner of a lock that was just taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// It unlocked.
    Unlocked,
    /// It died. The new owner calls [`mark_consistent`](RawMutex::mark_consistent) before it unlocks.
    Died,
}

/// A robust mutex without data, in memory that processes share.
///
/// Zero bytes are one that was not initialised, which nobody gets.
#[repr(C)]
pub(super) struct RawMutex {
    mutex: UnsafeCell<pthread_mutex_t>,
    /// Where it may be used; set when `mutex` is initialised.
    namespace: Namespace,
}

// SAFETY: because a mutex is made to be used by several threads, and is only accessed by the functions of the C library.
unsafe impl Sync for RawMutex {}

impl RawMutex {
    /// `pthread_mutex_init(3)`: once, before anybody else knows of it.
    pub(super) fn init(&self) -> nix::Result<()> {
        // First, so that a failure leaves the memory as it was.
        let namespace = namespace::ours()?;
        let mut attributes = MaybeUninit::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: because the attributes are initialised by the first call, used by the next ones and destroyed by the
        // last, and the mutex is memory of its type that nobody uses yet.
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

    /// `pthread_mutex_lock(3)`.
    #[inline]
    pub(super) fn lock(&self) -> nix::Result<Last> {
        // SAFETY: because the mutex is initialised, or it is not called, and stays mapped while it is borrowed.
        self.taking(|| unsafe { libc::pthread_mutex_lock(self.mutex.get()) })
    }

    /// `pthread_mutex_trylock(3)`: `EBUSY` if somebody has it.
    #[inline]
    pub(super) fn try_lock(&self) -> nix::Result<Last> {
        // SAFETY: because of the same as in `lock`.
        self.taking(|| unsafe { libc::pthread_mutex_trylock(self.mutex.get()) })
    }

    /// `pthread_mutex_clocklock(3)`: `ETIMEDOUT` if somebody has it all the time.
    pub(super) fn lock_until(&self, deadline: Deadline) -> nix::Result<Last> {
        match self.try_lock() {
            Err(Errno::EBUSY) => {}
            taken => return taken,
        }
        let Some(until) = deadline.absolute() else { return self.lock() };
        // SAFETY: because of the same as in `lock`, and the time is read only.
        self.taking(|| unsafe { pthread_mutex_clocklock(self.mutex.get(), CLOCK_MONOTONIC, until.as_ref()) })
    }

    /// `pthread_mutex_unlock(3)`, by the thread that has it. In a forked child, which has a copy of a guard and not the
    /// lock, it does nothing and says false.
    #[inline]
    pub(super) fn unlock(&self) -> bool {
        // SAFETY: because of the same as in `lock`; a mutex of this type that is not the thread's own is left alone.
        let unlocked =
            self.namespace.check().is_ok() && unsafe { libc::pthread_mutex_unlock(self.mutex.get()) } == 0;
        held::one_less();
        unlocked
    }

    /// `pthread_mutex_consistent(3)`, by the thread that was told that the last owner died: without it, unlocking makes
    /// the mutex unusable.
    pub(super) fn mark_consistent(&self) {
        // SAFETY: because of the same as in `lock`; where there is nothing to mark the call fails and changes nothing.
        unsafe { libc::pthread_mutex_consistent(self.mutex.get()) };
    }

    /// Locks what nobody's death can leave in disorder.
    #[inline]
    pub(super) fn forgiving(&self, taken: nix::Result<Last>) -> nix::Result<()> {
        if taken? == Last::Died {
            self.mark_consistent();
        }
        Ok(())
    }

    /// Whether this thread has it, and not the one of the parent that this process was forked from.
    pub(super) fn is_mine(&self) -> bool {
        self.owner() == gettid().as_raw() as u32
    }

    /// Whether a thread of this process has it.
    pub(super) fn is_held_here(&self) -> bool {
        let owner = self.owner();
        // SAFETY: because signal 0 is sent to nobody; the call only looks for a thread of this process.
        owner != 0 && unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), owner, 0) } == 0
    }

    /// Whether nobody has it, dead or alive. Stale as soon as it is returned.
    pub(super) fn is_free(&self) -> bool {
        self.word().load(Relaxed) & (libc::FUTEX_TID_MASK | libc::FUTEX_OWNER_DIED) == 0
    }

    /// The thread id of the owner, or 0 if nobody of this namespace has it.
    fn owner(&self) -> u32 {
        if self.namespace.check().is_ok() { self.word().load(Relaxed) & libc::FUTEX_TID_MASK } else { 0 }
    }

    /// The word by which the kernel knows the owner.
    fn word(&self) -> &AtomicU32 {
        // SAFETY: because `position` is that of an aligned word within the mutex, and the C library and the kernel
        // change it atomically.
        unsafe { AtomicU32::from_ptr(self.mutex.get().cast::<u32>().add(position())) }
    }

    /// Counts a lock before it is taken, so that a death right after finds no more than the kernel can handle.
    #[inline]
    fn taking(&self, lock: impl FnOnce() -> libc::c_int) -> nix::Result<Last> {
        self.namespace.check()?;
        held::one_more()?;
        match lock() {
            0 => Ok(Last::Unlocked),
            libc::EOWNERDEAD => Ok(Last::Died),
            errno => {
                held::one_less();
                Err(Errno::from_raw(errno))
            }
        }
    }
}

fn result(errno: libc::c_int) -> nix::Result<()> {
    if errno == 0 { Ok(()) } else { Err(Errno::from_raw(errno)) }
}

/// Which word of a mutex has the owner: a matter of the C library, found out by locking one.
fn position() -> usize {
    static POSITION: OnceLock<usize> = OnceLock::new();
    *POSITION.get_or_init(|| {
        const WORDS: usize = size_of::<pthread_mutex_t>() / size_of::<u32>();
        // SAFETY: because zero bytes are a mutex that can be initialised.
        let mutex: RawMutex = unsafe { MaybeUninit::zeroed().assume_init() };
        let locked = mutex.init().and_then(|()| mutex.lock());
        // SAFETY: because a mutex is as many words, and nobody else has this one.
        let words: [u32; WORDS] = unsafe { mutex.mutex.get().cast::<[u32; WORDS]>().read() };
        if locked.is_ok() {
            mutex.unlock();
        }
        words.iter().position(|word| word & libc::FUTEX_TID_MASK == gettid().as_raw() as u32).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutex() -> Box<RawMutex> {
        // SAFETY: because zero bytes are a mutex that can be initialised.
        let mutex: Box<RawMutex> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        mutex.init().unwrap();
        mutex
    }

    #[test]
    fn the_owner_is_found_in_the_mutex() {
        let mutex = mutex();
        assert!(!mutex.is_held_here());
        mutex.lock().unwrap();
        assert!(mutex.is_held_here() && mutex.is_mine());
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(mutex.is_held_here() && !mutex.is_mine()));
        });
        mutex.unlock();
        assert!(!mutex.is_held_here());
    }

    #[test]
    fn a_thread_that_ends_is_an_owner_that_died() {
        let mutex = mutex();
        std::thread::scope(|scope| scope.spawn(|| mutex.lock().map(drop)).join().unwrap().unwrap());
        assert_eq!(mutex.try_lock(), Ok(Last::Died));
        mutex.mark_consistent();
        mutex.unlock();
        assert_eq!(mutex.try_lock(), Ok(Last::Unlocked));
        mutex.unlock();
    }

    #[test]
    fn the_list_is_not_made_longer_than_the_kernel_reads() {
        let all: Vec<_> = (0..=held::MOST).map(|_| mutex()).collect();
        for mutex in &all[..held::MOST as usize] {
            mutex.lock().unwrap();
        }
        assert_eq!(all[held::MOST as usize].lock(), Err(held::TOO_MANY));
        assert_eq!(all[held::MOST as usize].try_lock(), Err(held::TOO_MANY));
        all[0].unlock();
        assert_eq!(all[held::MOST as usize].lock(), Ok(Last::Unlocked));
        for mutex in &all[1..] {
            mutex.unlock();
        }
    }
}
