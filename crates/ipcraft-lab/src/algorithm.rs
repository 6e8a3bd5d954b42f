//! The algorithms for mutual exclusion, from none to a lock.
//!
//! Each is three functions: `announce` states that a process needs the critical section,
//! `may_enter` checks once whether it may enter, and `leave` states that it has left. How a process
//! waits between two checks is a property of its own.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::fence;

use crate::variables::Variables;

/// One algorithm for two processes, 0 and 1.
#[derive(Debug)]
pub struct Algorithm {
    /// The name on command lines and in results.
    pub id: &'static str,
    /// A description of one line.
    pub summary: &'static str,
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
    Algorithm {
        id: "none",
        summary: "nothing: a process enters when it likes",
        announce: nothing,
        may_enter: |_, _| true,
        leave: nothing,
        waiting: Waiting::Spin,
    },
    Algorithm {
        id: "lock-variable",
        summary: "a variable that is 1 while the section is taken; test, then set",
        announce: nothing,
        may_enter: lock_variable,
        leave: |variables, _| variables.lock().store(0, SeqCst),
        waiting: Waiting::Spin,
    },
    Algorithm {
        id: "alternation",
        summary: "strict alternation: a process may enter when the turn is its own",
        announce: nothing,
        may_enter: |variables, me| variables.turn().load(SeqCst) == me as u64,
        leave: |variables, me| variables.turn().store(1 - me as u64, SeqCst),
        waiting: Waiting::Spin,
    },
    Algorithm {
        id: "flags",
        summary: "each process sets its flag, then waits for the other flag (Dekker's first try)",
        announce: |variables, me| variables.flag(me).store(1, SeqCst),
        may_enter: |variables, me| variables.flag(1 - me).load(SeqCst) == 0,
        leave: lower_flag,
        waiting: Waiting::Spin,
    },
    Algorithm {
        id: "dekker",
        summary: "Dekker's algorithm: flags, and a turn that decides which one yields",
        announce: |variables, me| variables.flag(me).store(1, SeqCst),
        may_enter: dekker,
        leave: |variables, me| {
            variables.turn().store(1 - me as u64, SeqCst);
            variables.flag(me).store(0, SeqCst);
        },
        waiting: Waiting::Spin,
    },
    Algorithm {
        announce: sequential::announce,
        may_enter: sequential::may_enter,
        ..peterson("peterson", "Peterson's algorithm, sequentially consistent")
    },
    Algorithm {
        announce: relaxed::announce,
        may_enter: relaxed::may_enter,
        ..peterson("peterson-relaxed", "Peterson's algorithm with plain loads and stores")
    },
    Algorithm {
        announce: acquire_release::announce,
        may_enter: acquire_release::may_enter,
        ..peterson("peterson-acquire-release", "Peterson's algorithm with acquire loads and release stores")
    },
    Algorithm {
        announce: fence_stores::announce,
        may_enter: fence_stores::may_enter,
        ..peterson("peterson-fence-stores", "relaxed, with a fence between the two stores only")
    },
    Algorithm {
        announce: fence_loads::announce,
        may_enter: fence_loads::may_enter,
        ..peterson("peterson-fence-loads", "relaxed, with a fence between the stores and the loads only")
    },
    Algorithm {
        announce: fences::announce,
        may_enter: fences::may_enter,
        ..peterson("peterson-fences", "relaxed, with both fences")
    },
    Algorithm {
        announce: |variables, me| {
            variables.flag(me).store(1, Relaxed);
            variables.turn().swap(1 - me as u64, AcqRel);
        },
        may_enter: acquire_release::may_enter,
        ..peterson("peterson-swap", "the turn is set by an atomic exchange, and needs no fence")
    },
    Algorithm {
        announce: |variables, me| {
            variables.turn().store(1 - me as u64, SeqCst);
            variables.flag(me).store(1, SeqCst);
        },
        may_enter: sequential::may_enter,
        ..peterson("peterson-turn-first", "the two stores in the wrong order: wrong on every machine")
    },
    Algorithm {
        waiting: Waiting::Spin,
        ..tsl("tsl", "test and set by an atomic exchange; a process that waits spins")
    },
    Algorithm {
        waiting: Waiting::Yield,
        ..tsl("tsl-yield", "test and set; a process that waits yields its core")
    },
    Algorithm {
        id: "mutex",
        summary: "the library's mutex; a process that waits sleeps in the kernel",
        announce: nothing,
        may_enter: |_, _| false,
        leave: nothing,
        waiting: Waiting::Kernel,
    },
];

/// What the variants of Peterson's algorithm have in common.
const fn peterson(id: &'static str, summary: &'static str) -> Algorithm {
    Algorithm {
        id,
        summary,
        announce: nothing,
        may_enter: |_, _| false,
        leave: lower_flag_release,
        waiting: Waiting::Spin,
    }
}

/// What the variants of test and set have in common.
const fn tsl(id: &'static str, summary: &'static str) -> Algorithm {
    Algorithm {
        id,
        summary,
        announce: nothing,
        may_enter: |variables, _| variables.lock().swap(1, Acquire) == 0,
        leave: |variables, _| variables.lock().store(0, Release),
        waiting: Waiting::Spin,
    }
}

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

fn nothing(_: Variables<'_>, _: usize) {}

fn lower_flag(variables: Variables<'_>, me: usize) {
    variables.flag(me).store(0, SeqCst);
}

fn lower_flag_release(variables: Variables<'_>, me: usize) {
    variables.flag(me).store(0, Release);
}

fn lock_variable(variables: Variables<'_>, _: usize) -> bool {
    let free = variables.lock().load(SeqCst) == 0;
    if free {
        variables.lock().store(1, SeqCst);
    }
    free
}

/// One check of Dekker's loop. A process that has to yield lowers its flag until the turn is its
/// own.
fn dekker(variables: Variables<'_>, me: usize) -> bool {
    if variables.flag(me).load(Relaxed) == 0 {
        if variables.turn().load(SeqCst) == me as u64 {
            variables.flag(me).store(1, SeqCst);
        }
        return false;
    }
    if variables.flag(1 - me).load(SeqCst) == 0 {
        return true;
    }
    if variables.turn().load(SeqCst) != me as u64 {
        variables.flag(me).store(0, SeqCst);
    }
    false
}

#[inline(always)]
fn no_fence() {}

#[inline(always)]
fn full_fence() {
    fence(SeqCst);
}

/// Peterson's algorithm with given orderings, and fences between its steps.
macro_rules! peterson {
    ($name:ident, store: $store:expr, load: $load:expr, between_stores: $between:ident, before_loads: $before:ident) => {
        mod $name {
            use super::*;

            pub(super) fn announce(variables: Variables<'_>, me: usize) {
                variables.flag(me).store(1, $store);
                $between();
                variables.turn().store(1 - me as u64, $store);
                $before();
            }

            pub(super) fn may_enter(variables: Variables<'_>, me: usize) -> bool {
                variables.flag(1 - me).load($load) == 0 || variables.turn().load($load) == me as u64
            }
        }
    };
}

peterson!(sequential, store: SeqCst, load: SeqCst, between_stores: no_fence, before_loads: no_fence);
peterson!(relaxed, store: Relaxed, load: Relaxed, between_stores: no_fence, before_loads: no_fence);
peterson!(acquire_release, store: Release, load: Acquire, between_stores: no_fence, before_loads: no_fence);
peterson!(fence_stores, store: Relaxed, load: Relaxed, between_stores: full_fence, before_loads: no_fence);
peterson!(fence_loads, store: Relaxed, load: Relaxed, between_stores: no_fence, before_loads: full_fence);
peterson!(fences, store: Relaxed, load: Relaxed, between_stores: full_fence, before_loads: full_fence);

#[cfg(test)]
mod tests {
    use ipcraft_step::Shared;

    use super::*;
    use crate::variables::Layout;

    #[test]
    fn every_algorithm_lets_a_process_enter_alone_twice() {
        for algorithm in all().iter().filter(|algorithm| algorithm.waiting != Waiting::Kernel) {
            // Strict alternation gives the first turn to process 0, and the second to process 1.
            let turns: &[usize] = if algorithm.id == "alternation" { &[0, 1] } else { &[0, 0, 1, 1] };
            let shared = Shared::new().unwrap();
            let variables = Variables::new(&shared, Layout::OneLine);
            for &me in turns {
                algorithm.announce(variables, me);
                assert!(algorithm.may_enter(variables, me), "{} {me}", algorithm.id);
                algorithm.leave(variables, me);
            }
        }
    }

    #[test]
    fn ids_are_unique() {
        for algorithm in all() {
            assert!(std::ptr::eq(find(algorithm.id).unwrap(), algorithm), "{}", algorithm.id);
        }
    }
}
