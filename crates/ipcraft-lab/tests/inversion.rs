//! Priority inversion: the order of the waits, and their ratios.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ipcraft_lab::inversion::{Case, Inversion, Lock, Ranks, inversion};

/// Forks must not meet other threads of this program, and measurements need the cores.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the wait in a case. `None`, with a line, if the machine does not permit it.
fn wait(ranks: Ranks, lock: Lock, has_hog: bool) -> Option<u64> {
    match inversion(Case { ranks, lock, has_hog }).unwrap() {
        Ok(Inversion { waited_ns, .. }) => Some(waited_ns.unwrap_or(u64::MAX)),
        Err(needs) => {
            eprintln!("skipped: {needs}");
            None
        }
    }
}

/// Other processes of a busy machine can delay a run.
fn holds_in_one_of_three(mut check: impl FnMut() -> bool) -> bool {
    (0..3).any(|_| check())
}

#[test]
fn wait_with_inheritance_is_less_than_half_of_that_without() {
    let _alone = alone();
    assert!(holds_in_one_of_three(|| {
        let Some(without) = wait(Ranks::Realtime, Lock::Sleeping, true) else { return true };
        let Some(with) = wait(Ranks::Realtime, Lock::Inheriting, true) else { return true };
        println!("{without} ns without, {with} ns with inheritance");
        with < without / 2
    }));
}

#[test]
fn wait_of_real_time_process_without_hog_is_less_than_half_of_that_with() {
    let _alone = alone();
    assert!(holds_in_one_of_three(|| {
        let Some(alone) = wait(Ranks::Realtime, Lock::Sleeping, false) else { return true };
        let Some(beside) = wait(Ranks::Realtime, Lock::Sleeping, true) else { return true };
        alone < beside / 2
    }));
}

#[test]
fn spinning_of_the_urgent_process_keeps_the_owner_from_unlocking() {
    let _alone = alone();
    if let Some(waited) = wait(Ranks::Realtime, Lock::Spinning, false) {
        assert_eq!(waited, u64::MAX, "the owner ran");
    }
}

#[test]
fn wait_of_ordinary_process_beside_hog_is_ten_times_that_without() {
    let _alone = alone();
    assert!(holds_in_one_of_three(|| {
        let alone = wait(Ranks::Ordinary, Lock::Sleeping, false).unwrap();
        let beside = wait(Ranks::Ordinary, Lock::Sleeping, true).unwrap();
        println!("{alone} ns alone, {beside} ns beside a hog");
        beside > 10 * alone
    }));
}

#[test]
fn inheritance_does_not_help_ordinary_processes() {
    let _alone = alone();
    assert!(holds_in_one_of_three(|| {
        let without = wait(Ranks::Ordinary, Lock::Sleeping, true).unwrap();
        let with = wait(Ranks::Ordinary, Lock::Inheriting, true).unwrap();
        with > without / 2
    }));
}
