//! Sleeping and waking: the construction loses each wake-up of a plain signal, and none of others.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipcraft_bench::{Cores, Placement};
use ipcraft_lab::wakeup::{
    CAPACITY, Construction, Method, Proof, by_chance, construct, semaphore_facts, spinning, two_wakeups,
};

const RUNS: u32 = 100;

/// Forks must not meet other threads of this program, and measurements need the cores.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn construction_loses_each_wakeup_of_a_plain_signal_and_none_of_the_others() {
    let _alone = alone();
    for method in Method::ALL {
        let Construction { lost, proof, .. } = construct(method, RUNS).unwrap();
        let both_sleep = Proof {
            count: CAPACITY,
            capacity: CAPACITY,
            consumer_sleeps: true,
            producer_sleeps: true,
            is_signal_pending: false,
        };
        let expected = if method.loses_wakeups() { (RUNS, Some(both_sleep)) } else { (0, None) };
        assert_eq!((lost, proof), expected, "{method:?}");
    }
}

#[test]
fn two_wakeups_of_an_awake_process_are_one_in_a_bit_and_two_in_a_counter() {
    let _alone = alone();
    for _ in 0..20 {
        for method in Method::MEMORISING {
            let returned = if method == Method::WaitingBit { 1 } else { 2 };
            assert_eq!(two_wakeups(method).unwrap().returned, returned, "{method:?}");
        }
    }
}

#[test]
fn wakeup_is_lost_by_chance_on_two_cores() {
    let _alone = alone();
    if Cores::of_this_process().cpu_pair(Placement::TwoCores).is_none() {
        eprintln!("skipped: needs a second core");
        return;
    }
    // A busy machine runs both at the same time only now and then.
    let gap = Duration::from_micros(50);
    let chance = by_chance(Placement::TwoCores, gap, 3, Duration::from_secs(20)).unwrap();
    println!("{chance:?}");
    assert!(chance.lost > 0, "{chance:?}");
}

#[test]
fn spinning_uses_most_of_a_core_and_sleeping_little() {
    let _alone = alone();
    let (spins, sleeps) = (spinning(true).unwrap(), spinning(false).unwrap());
    // A busy machine takes the core away from both.
    assert!(spins.cpu_ns > 5 * sleeps.cpu_ns, "{spins:?} {sleeps:?}");
}

#[test]
fn up_with_a_sleeper_leaves_zero_and_up_never_blocks() {
    let _alone = alone();
    let facts = semaphore_facts().unwrap();
    assert!(facts.sleeper_returned);
    assert_eq!((facts.value_after_up_with_sleeper, facts.value_after_ups), (0, facts.ups));
    assert!(facts.up_at_the_largest_value.contains("EOVERFLOW"), "{facts:?}");
}
