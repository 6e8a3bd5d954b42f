//! The way into the critical section: by an algorithm over shared words, or by the library's mutex.

use std::sync::atomic::Ordering::Relaxed;

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::sync::{Mutex, MutexGuard};

use crate::algorithm::{Algorithm, Waiting};
use crate::variables::Variables;
use crate::{Error, algorithm};

/// The mutex that some measurements need, in memory that the processes share.
pub(super) struct Locks(Option<Shared<Mutex<u64>>>);

impl Locks {
    pub(super) fn of(algorithm: &Algorithm) -> Result<Locks, Error> {
        if algorithm.waiting() != algorithm::Waiting::Kernel {
            return Ok(Locks(None));
        }
        let memory = Memfd::create("ipcraft-lab", Shared::<Mutex<u64>>::SIZE)?;
        Ok(Locks(Some(Shared::initialize(memory.map()?, |mutex: &Mutex<u64>| mutex.init(0))?)))
    }
}

/// One process at the entrance.
pub(super) struct Entrance<'a> {
    algorithm: &'static Algorithm,
    variables: Variables<'a>,
    me: usize,
    mutex: Option<&'a Mutex<u64>>,
    guard: Option<MutexGuard<'a, u64>>,
}

impl<'a> Entrance<'a> {
    pub(super) fn new(
        algorithm: &'static Algorithm,
        variables: Variables<'a>,
        me: usize,
        locks: &'a Locks,
    ) -> Entrance<'a> {
        Entrance { algorithm, variables, me, mutex: locks.0.as_deref(), guard: None }
    }

    /// Announces that this process needs the critical section.
    #[inline(always)]
    pub(super) fn announce(&self) {
        self.algorithm.announce(self.variables, self.me);
    }

    /// Waits until this process may enter. Returns false if the measurement stops before, or after
    /// `checks` checks.
    #[inline(always)]
    pub(super) fn enter(&mut self, checks: u64) -> bool {
        if let Some(mutex) = self.mutex {
            self.guard = mutex.lock().or_else(|error| error.repair(|_| ())).ok();
            return self.guard.is_some();
        }
        for _ in 0..checks {
            if self.algorithm.may_enter(self.variables, self.me) {
                return true;
            }
            if self.variables.stop().load(Relaxed) != 0 {
                break;
            }
            if self.algorithm.waiting() == Waiting::Yield {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
        false
    }

    /// Announces that this process has left the critical section.
    #[inline(always)]
    pub(super) fn leave(&mut self) {
        if self.mutex.is_some() {
            self.guard = None;
        } else {
            self.algorithm.leave(self.variables, self.me);
        }
    }
}
