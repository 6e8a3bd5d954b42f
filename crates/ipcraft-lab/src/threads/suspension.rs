//! Coroutines of one thread need locks, too: another one runs at every suspension.

use std::cell::Cell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::coroutine::{UserThreads, Yielder};

/// The additions of each of two coroutines.
const ADDITIONS: u64 = 1000;

/// What protects an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// No suspension between load and store, and no lock.
    NoSuspension,
    /// A suspension between load and store, and no lock.
    Nothing,
    /// A suspension between load and store, with a lock held.
    Lock,
}

impl Guard {
    /// All ways.
    pub const ALL: [Guard; 3] = [Guard::NoSuspension, Guard::Nothing, Guard::Lock];
}

/// What two coroutines did to one counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updates {
    /// What protected an addition.
    pub guard: Guard,
    /// The number of additions.
    pub expected: u64,
    /// The counter at the end.
    pub found: u64,
}

/// A counter and a lock of coroutines in one thread: plain memory, without atomics.
#[derive(Default)]
struct Account {
    counter: Cell<u64>,
    locked: Cell<bool>,
}

/// Lets two coroutines of one thread add to one counter.
pub fn updates(guard: Guard) -> Updates {
    let account = Rc::new(Account::default());
    let mut coroutines = UserThreads::default();
    for _ in 0..2 {
        let account = account.clone();
        coroutines.start(move |yielder| {
            for _ in 0..ADDITIONS {
                add(&account, guard, yielder);
                yielder.suspend(());
            }
        });
    }
    coroutines.run();
    Updates { guard, expected: 2 * ADDITIONS, found: account.counter.get() }
}

fn add(account: &Account, guard: Guard, yielder: &Yielder) {
    while guard == Guard::Lock && account.locked.replace(true) {
        yielder.suspend(());
    }
    let value = account.counter.get();
    if guard != Guard::NoSuspension {
        yielder.suspend(());
    }
    account.counter.set(value + 1);
    account.locked.set(false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_updates_are_lost_only_across_a_suspension_without_a_lock() {
        let found = |guard| updates(guard).found;
        assert_eq!(found(Guard::NoSuspension), 2 * ADDITIONS);
        assert_eq!(found(Guard::Lock), 2 * ADDITIONS);
        let lost = 2 * ADDITIONS - found(Guard::Nothing);
        assert!(lost >= ADDITIONS / 2, "{lost}");
    }
}
