//! The robust mutex of the C library as the model checker sees it, without deaths. The crash sweeps
//! cover deaths.
//!
//! It orders memory no more strongly than locking and unlocking have to.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use loom::sync::atomic::AtomicU32;
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

/// 0 if free, 1 if locked, 2 if locked with waiters.
#[derive(Default)]
pub(in crate::sync) struct RawMutex(AtomicU32);

impl RawMutex {
    pub(in crate::sync) fn init(&self) -> nix::Result<()> {
        Ok(())
    }

    pub(in crate::sync) fn lock(&self) -> nix::Result<PreviousOwner> {
        let mut found = self.0.compare_exchange(0, 1, Acquire, Relaxed).unwrap_or_else(|found| found);
        while found != 0 {
            found = self.0.swap(2, Acquire);
            if found != 0 {
                let _ = futex::wait(&self.0, 2, futex::ANY, Deadline::NEVER);
            }
        }
        Ok(PreviousOwner::Unlocked)
    }

    pub(in crate::sync) fn try_lock(&self) -> nix::Result<PreviousOwner> {
        let locked = self.0.compare_exchange(0, 1, Acquire, Relaxed);
        locked.map(|_| PreviousOwner::Unlocked).map_err(|_| Errno::EBUSY)
    }

    pub(in crate::sync) fn lock_until(&self, _deadline: Deadline) -> nix::Result<PreviousOwner> {
        self.lock()
    }

    pub(in crate::sync) fn unlock(&self) -> bool {
        let found = self.0.swap(0, Release);
        if found == 2 {
            let _ = futex::wake(&self.0, 1, futex::ANY);
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
        self.0.load(Relaxed) != 0
    }

    pub(in crate::sync) fn is_owned_by_process(&self) -> bool {
        self.is_owned_by_caller()
    }

    pub(in crate::sync) fn is_free(&self) -> bool {
        !self.is_owned_by_caller()
    }
}
