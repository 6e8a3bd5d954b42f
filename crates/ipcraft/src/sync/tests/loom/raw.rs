//! The robust mutex of the C library as the model checker sees it, without deaths. The crash sweeps
//! cover deaths.
//!
//! It orders memory no more strongly than locking and unlocking have to.

use std::sync::Mutex;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use loom::sync::atomic::AtomicU32;
use loom::thread::{self, ThreadId};
use nix::errno::Errno;

use crate::sync::atomic::futex;
use crate::time::Deadline;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sync) enum PreviousOwner {
    Unlocked,
    /// No thread dies in a model.
    #[allow(dead_code)]
    Died,
}

#[derive(Default)]
pub(in crate::sync) struct RawMutex {
    /// 0 if free, 1 if locked, 2 if locked with waiters.
    word: AtomicU32,
    /// The thread that locked. The model does not see it, as each thread asks only for its own id.
    owner: Mutex<Option<ThreadId>>,
}

impl RawMutex {
    pub(in crate::sync) fn init(&self) -> nix::Result<()> {
        Ok(())
    }

    pub(in crate::sync) fn lock(&self) -> nix::Result<PreviousOwner> {
        if self.is_owned_by_caller() {
            return Err(Errno::EDEADLK);
        }
        let mut found = self.word.compare_exchange(0, 1, Acquire, Relaxed).unwrap_or_else(|found| found);
        while found != 0 {
            found = self.word.swap(2, Acquire);
            if found != 0 {
                let _ = futex::wait(&self.word, 2, futex::ANY, Deadline::NEVER);
            }
        }
        Ok(self.locked())
    }

    pub(in crate::sync) fn try_lock(&self) -> nix::Result<PreviousOwner> {
        if self.is_owned_by_caller() {
            return Err(Errno::EDEADLK);
        }
        let locked = self.word.compare_exchange(0, 1, Acquire, Relaxed);
        locked.map(|_| self.locked()).map_err(|_| Errno::EBUSY)
    }

    fn locked(&self) -> PreviousOwner {
        *self.owner.lock().unwrap() = Some(thread::current().id());
        PreviousOwner::Unlocked
    }

    pub(in crate::sync) fn lock_until(&self, _deadline: Deadline) -> nix::Result<PreviousOwner> {
        self.lock()
    }

    pub(in crate::sync) fn unlock(&self) -> bool {
        *self.owner.lock().unwrap() = None;
        let found = self.word.swap(0, Release);
        if found == 2 {
            let _ = futex::wake(&self.word, 1, futex::ANY);
        }
        found != 0
    }

    pub(in crate::sync) fn mark_consistent(&self) {}

    pub(in crate::sync) fn ignore_owner_death(
        &self,
        acquired: nix::Result<PreviousOwner>,
    ) -> nix::Result<()> {
        acquired.map(drop)
    }

    pub(in crate::sync) fn is_owned_by_caller(&self) -> bool {
        *self.owner.lock().unwrap() == Some(thread::current().id())
    }

    pub(in crate::sync) fn is_any_owned_by_caller<'a>(mut locks: impl Iterator<Item = &'a RawMutex>) -> bool {
        locks.any(RawMutex::is_owned_by_caller)
    }

    pub(in crate::sync) fn is_owned_by_process(&self) -> bool {
        !self.is_free()
    }

    pub(in crate::sync) fn taken<'a>(
        locks: impl Iterator<Item = &'a RawMutex>,
    ) -> impl Iterator<Item = &'a RawMutex> {
        locks.filter(|lock| !lock.is_free())
    }

    pub(in crate::sync) fn is_free(&self) -> bool {
        self.word.load(Acquire) == 0
    }
}
