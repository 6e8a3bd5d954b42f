//! The algorithms under a model checker: every interleaving, and every value that the memory rules
//! of the language let a load return.
//!
//! The checker knows fences and exchanges, and treats a sequentially consistent access as one with
//! acquire and release. So only algorithms without such accesses are models here, or wrong ones.
//! Test and set is no model: each failed exchange stores, and the checker lets the next exchange
//! read that store without end.
//!
//! `tests/loom.sh` runs this.
#![cfg(loom)]

#[path = "../src/algorithm/mod.rs"]
#[allow(unreachable_pub)]
mod algorithm;

/// What the algorithms use instead of the module of this name in the library.
mod atomic {
    pub(crate) use loom::sync::atomic::fence;
}

/// The variables as the model checker sees them.
mod variables {
    use loom::sync::atomic::AtomicU64;

    #[derive(Debug, Default)]
    pub(crate) struct Words {
        flags: [AtomicU64; 2],
        turn: AtomicU64,
        lock: AtomicU64,
        tickets: [AtomicU64; 2],
    }

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Variables<'a>(pub(crate) &'a Words);

    impl<'a> Variables<'a> {
        pub(crate) fn flag(self, me: usize) -> &'a AtomicU64 {
            &self.0.flags[me]
        }

        pub(crate) fn turn(self) -> &'a AtomicU64 {
            &self.0.turn
        }

        pub(crate) fn lock(self) -> &'a AtomicU64 {
            &self.0.lock
        }

        pub(crate) fn ticket(self, me: usize) -> &'a AtomicU64 {
            &self.0.tickets[me]
        }
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use algorithm::Algorithm;
use variables::{Variables, Words};

/// The words, and a plain value that the critical section protects.
#[derive(Default)]
struct Section {
    words: Words,
    value: UnsafeCell<u64>,
}

/// Lets two threads enter once each. The checker reports two accesses to the value of which neither
/// happens before the other: two threads inside, or one that does not see what the other wrote.
fn enter_once_each(algorithm: &'static Algorithm) {
    let section = Arc::new(Section::default());
    let enter = |me: usize| {
        let section = Arc::clone(&section);
        move || {
            let variables = Variables(&section.words);
            algorithm.announce(variables, me);
            while !algorithm.may_enter(variables, me) {
                thread::yield_now();
            }
            section.value.with_mut(|value| {
                // SAFETY: because the model checker ends the model if another thread has access.
                unsafe { *value += 1 }
            });
            algorithm.leave(variables, me);
        }
    };
    let other = thread::spawn(enter(1));
    enter(0)();
    other.join().unwrap();
    // SAFETY: because the other thread has ended.
    assert_eq!(section.value.with(|value| unsafe { *value }), 2);
}

fn model(id: &str) {
    let algorithm = algorithm::find(id).unwrap();
    loom::model(move || enter_once_each(algorithm));
}

fn assert_right(ids: &[&str]) {
    ids.iter().for_each(|id| model(id));
}

/// The checker reports a fault by a panic.
fn assert_wrong(ids: &[&str]) {
    for id in ids {
        assert!(catch_unwind(AssertUnwindSafe(|| model(id))).is_err(), "{id}");
    }
}

#[test]
fn peterson_with_both_fences_or_an_exchange_is_right() {
    assert_right(&["peterson-fences", "peterson-swap"]);
}

#[test]
fn peterson_with_one_fence_or_none_is_wrong() {
    assert_wrong(&[
        "peterson-relaxed",
        "peterson-acquire-release",
        "peterson-fence-stores",
        "peterson-fence-loads",
    ]);
}

#[test]
fn dekker_is_right_with_fences_and_wrong_without() {
    assert_right(&["dekker-fences"]);
    assert_wrong(&["dekker-relaxed"]);
}

#[test]
fn bakery_is_right_with_fences_and_wrong_without() {
    assert_right(&["bakery"]);
    assert_wrong(&["bakery-acquire-release"]);
}

#[test]
fn the_first_attempts_are_wrong() {
    assert_wrong(&["none", "lock-variable"]);
}
