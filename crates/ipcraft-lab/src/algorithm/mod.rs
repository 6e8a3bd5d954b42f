//! The algorithms for mutual exclusion, from none to a lock.
//!
//! Each is three functions: `announce` states that a process needs the critical section,
//! `may_enter` checks once whether it may enter, and `leave` states that it has left. How a process
//! waits between two checks is a property of its own.
//!
//! `tests/loom.rs` runs the same functions under a model checker, with the memory rules of the
//! language instead of those of this CPU.

mod bakery;
mod dekker;
mod early;
mod peterson;
mod test_and_set;
#[cfg(all(test, not(loom)))]
mod tests;

use std::sync::atomic::Ordering::SeqCst;

use crate::atomic::fence;
use crate::variables::Variables;

/// One algorithm for two processes, 0 and 1.
#[derive(Debug)]
pub struct Algorithm {
    /// The name on command lines and in results.
    pub id: &'static str,
    /// A description of one line.
    pub summary: &'static str,
    /// Whether it is right in every order of its instructions only: nothing keeps a core from
    /// executing its loads before its stores.
    pub unfenced: bool,
    announce: fn(Variables<'_>, usize),
    may_enter: fn(Variables<'_>, usize) -> bool,
    leave: fn(Variables<'_>, usize),
    waiting: Waiting,
}

/// What a process does until it may enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It checks again immediately.
    Spin,
    /// It gives its core to another process between two checks.
    Yield,
    /// It sleeps in the kernel. Such an algorithm is not three functions over shared words.
    Kernel,
}

/// All algorithms, in the order of the text.
static ALGORITHMS: &[Algorithm] = &[
    early::NONE,
    early::LOCK_VARIABLE,
    early::ALTERNATION,
    early::FLAGS,
    dekker::SEQUENTIAL,
    dekker::RELAXED,
    dekker::FENCES,
    peterson::SEQUENTIAL,
    peterson::RELAXED,
    peterson::ACQUIRE_RELEASE,
    peterson::FENCE_STORES,
    peterson::FENCE_LOADS,
    peterson::FENCES,
    peterson::SWAP,
    peterson::TURN_FIRST,
    bakery::FENCES,
    bakery::ACQUIRE_RELEASE,
    test_and_set::SPIN,
    test_and_set::YIELD,
    test_and_set::MUTEX,
];

/// What the algorithms are completed from.
const BASE: Algorithm = Algorithm {
    id: "",
    summary: "",
    unfenced: false,
    announce: |_, _| {},
    may_enter: |_, _| false,
    leave: |_, _| {},
    waiting: Waiting::Spin,
};

/// Returns all algorithms.
pub fn all() -> &'static [Algorithm] {
    ALGORITHMS
}

/// Returns the algorithm with this id.
pub fn find(id: &str) -> Option<&'static Algorithm> {
    ALGORITHMS.iter().find(|algorithm| algorithm.id == id)
}

impl Algorithm {
    /// Announces that a process needs the critical section.
    #[inline(always)]
    pub(crate) fn announce(&self, variables: Variables<'_>, me: usize) {
        (self.announce)(variables, me);
    }

    /// Checks once whether a process that has announced itself may enter.
    #[inline(always)]
    pub(crate) fn may_enter(&self, variables: Variables<'_>, me: usize) -> bool {
        (self.may_enter)(variables, me)
    }

    /// How a process waits.
    pub fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// Announces that a process has left the critical section.
    #[inline(always)]
    pub(crate) fn leave(&self, variables: Variables<'_>, me: usize) {
        (self.leave)(variables, me);
    }
}

#[inline(always)]
fn no_fence() {}

#[inline(always)]
fn full_fence() {
    fence(SeqCst);
}
