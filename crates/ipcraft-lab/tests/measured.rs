//! The same algorithms at full speed, between two processes.

use std::time::Duration;

use ipcraft_bench::{Cores, Placement};
use ipcraft_lab::bus::beside_exchanges;
use ipcraft_lab::exclusion::{Bounds, Contention, Ending, Handover, Speed, TRIES, contend, measure};
use ipcraft_lab::race::{How, race};
use ipcraft_lab::{Layout, Width, algorithm};

const ENTRIES: u64 = 10_000_000;
/// A wrong algorithm shows it long before.
const BOUNDS: Bounds = Bounds { entries: u64::MAX, violations: 1, time: Duration::from_secs(30) };

fn two_cores() -> bool {
    let has = Cores::of_this_process().cpu_pair(Placement::TwoCores).is_some();
    if !has {
        eprintln!("skipped: needs a second core");
    }
    has
}

fn contention(id: &str, speed: Speed, bounds: Bounds) -> Contention {
    let found = contend(algorithm::find(id).unwrap(), speed, Layout::OwnLines, bounds).unwrap();
    println!("{id}: {found:?}");
    found
}

#[test]
fn additions_lose_nothing_where_nothing_can_come_between() {
    for placement in
        Placement::ALL.iter().copied().filter(|&place| place == Placement::SameCore || two_cores())
    {
        for how in How::all() {
            let race = race(how, placement).unwrap();
            println!("{race:?}");
            assert!(race.found >= 2 && race.found <= race.expected, "{race:?}");
            assert_eq!(race.file.is_some(), [How::File, How::LockedFile].contains(&how), "{race:?}");
            let indivisible = how == How::Memory(Width::One) && placement == Placement::SameCore;
            if how.is_exclusive() || indivisible {
                assert_eq!(race.found, race.expected, "{race:?}");
            }
        }
    }
}

#[test]
fn additions_on_two_cores_lose_updates_if_they_are_not_locked() {
    if !two_cores() {
        return;
    }
    for &width in Width::ALL.iter().filter(|&&width| width != Width::Locked) {
        let lost = (0..20).any(|_| race(How::Memory(width), Placement::TwoCores).unwrap().lost() > 0);
        assert!(lost, "{width:?}");
    }
}

/// The time beside exchanges on another line varies with the machine, and is compared with that of
/// the same line only.
#[test]
fn additions_are_slower_beside_exchanges_on_their_cache_line_than_on_another() {
    if !two_cores() {
        return;
    }
    let is_slower = || {
        let (found, _) = beside_exchanges().unwrap();
        println!("{found:?}");
        found[2].ns > 1.2 * found[1].ns
    };
    assert!((0..10).any(|_| is_slower()));
}

#[test]
fn right_algorithms_keep_two_cores_apart_in_ten_million_entries() {
    if !two_cores() {
        return;
    }
    let bounds = Bounds { entries: ENTRIES, violations: 1, time: Duration::from_secs(120) };
    for id in ["peterson", "peterson-swap", "peterson-fences", "dekker", "dekker-fences", "bakery", "tsl"] {
        let found = contention(id, Speed::TwoCores, bounds);
        assert!(!found.is_violated(), "{id}: {found:?}");
        if id.starts_with("peterson") {
            // One entry was under way, and one more may have been counted late.
            assert!(found.max_bypass <= 2, "{id}: {found:?}");
        }
        assert_eq!(found.ending, Ending::Entries, "{id}: {found:?}");
    }
}

#[test]
fn right_algorithms_keep_apart_two_processes_that_are_slow_in_turns() {
    if !two_cores() {
        return;
    }
    let bounds = Bounds { entries: u64::MAX, violations: 1, time: Duration::from_secs(1) };
    for id in ["peterson", "dekker", "bakery", "tsl", "mutex"] {
        let found = contention(id, Speed::SlowInTurns, bounds);
        // Both were slow, and both entered.
        assert!(!found.is_violated() && found.entries.iter().all(|&entries| entries > 0), "{id}: {found:?}");
    }
}

#[test]
fn section_passes_between_two_processes_on_each_placement() {
    let bounds = Bounds { entries: 1000, violations: 1, time: Duration::from_millis(300) };
    for id in ["tsl", "tsl-yield", "mutex"] {
        let found = (0..5).any(|_| {
            let (measured, _) = measure(algorithm::find(id).unwrap(), bounds).unwrap();
            println!("{id}: {:?}", measured.handovers);
            let handed_over = |handover: &Handover| handover.count > 0 && handover.median_ns > Some(0);
            !measured.handovers.is_empty() && measured.handovers.iter().all(handed_over)
        });
        assert!(found, "{id}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn wrong_algorithms_let_both_in_on_two_cores() {
    if !two_cores() {
        return;
    }
    let wrong = [
        "none",
        "lock-variable",
        "dekker-relaxed",
        "peterson-relaxed",
        "peterson-acquire-release",
        "peterson-turn-first",
        "bakery-acquire-release",
    ];
    for id in wrong {
        let violated = (0..3).any(|_| contention(id, Speed::TwoCores, BOUNDS).is_violated());
        assert!(violated, "{id}");
    }
}

#[test]
fn flags_are_found_stuck() {
    if two_cores() {
        let bounds = Bounds { violations: 1, ..BOUNDS };
        assert_eq!(contention("flags", Speed::TwoCores, bounds).ending, Ending::Stuck);
    }
}

#[test]
fn only_alternation_is_blocked_by_a_process_outside() {
    let bounds = Bounds { entries: 10_000, violations: u64::MAX, time: Duration::from_millis(100) };
    for algorithm in algorithm::all() {
        let (found, _) = measure(algorithm, bounds).unwrap();
        let entries = [found.entries_beside_stopped, found.entries_beside_killed];
        if algorithm.id == "alternation" {
            assert!(entries.iter().all(|&entered| entered <= 1), "{found:?}");
        } else {
            assert_eq!(entries, [TRIES; 2], "{found:?}");
        }
        assert!(found.alone_ns > 0.0, "{found:?}");
    }
}
