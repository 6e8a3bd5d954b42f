//! Every algorithm in every order of its instructions.

use ipcraft_lab::algorithm;
use ipcraft_lab::explore::{Exploration, Verdict, explore, orders, replay};
use ipcraft_lab::{Error, Width};

/// Explores an algorithm, or returns `None` if the system does not allow it.
fn explored(id: &str) -> Option<Exploration> {
    match explore(algorithm::find(id).unwrap()) {
        Err(Error::Refused) => {
            eprintln!("skipped: {}", Error::Refused);
            None
        }
        found => {
            let found = found.unwrap();
            // The tickets of a bakery grow without bound.
            assert_eq!(found.complete, !id.starts_with("bakery"), "{id}: {} states", found.states);
            println!("{id}: {} states", found.states);
            Some(found)
        }
    }
}

/// Exclusion, progress, independence and bounded waiting.
fn conditions(found: &Exploration) -> [bool; 4] {
    [&found.exclusion, &found.progress, &found.independence, &found.bounded_waiting]
        .map(|verdict| *verdict == Verdict::Holds)
}

fn assert_conditions(id: &str, expected: [bool; 4]) {
    if let Some(found) = explored(id) {
        assert_eq!(conditions(&found), expected, "{found:?}");
    }
}

#[test]
fn nothing_excludes_nothing() {
    assert_conditions("none", [false, true, true, true]);
}

#[test]
fn lock_variable_lets_both_in_and_bypasses_without_end() {
    assert_conditions("lock-variable", [false, true, true, false]);
}

#[test]
fn alternation_lets_a_process_outside_block_the_other() {
    assert_conditions("alternation", [true, true, false, true]);
}

#[test]
fn flags_stop_both() {
    assert_conditions("flags", [true, false, true, true]);
}

#[test]
fn dekker_meets_all_conditions_in_every_order_whatever_its_fences() {
    for id in ["dekker", "dekker-relaxed", "dekker-fences"] {
        assert_conditions(id, [true; 4]);
    }
}

#[test]
fn bakery_meets_all_conditions_up_to_the_bound_of_its_tickets_whatever_its_fences() {
    for id in ["bakery", "bakery-acquire-release"] {
        assert_conditions(id, [true; 4]);
    }
}

#[test]
fn peterson_meets_all_conditions_in_every_order_whatever_its_fences() {
    let ids = [
        "peterson",
        "peterson-relaxed",
        "peterson-acquire-release",
        "peterson-fence-stores",
        "peterson-fence-loads",
        "peterson-fences",
        "peterson-swap",
    ];
    for id in ids {
        assert_conditions(id, [true; 4]);
    }
}

#[test]
fn peterson_with_turn_first_lets_both_in() {
    let Some(found) = explored("peterson-turn-first") else { return };
    assert!(!conditions(&found)[0], "{found:?}");
}

#[test]
fn test_and_set_bypasses_without_end() {
    assert_conditions("tsl", [true, true, true, false]);
    assert_conditions("tsl-yield", [true, true, true, false]);
}

#[test]
fn replay_of_a_bad_schedule_is_bad_and_of_a_shorter_one_is_not() {
    for id in ["none", "lock-variable", "peterson-turn-first"] {
        let Some(found) = explored(id) else { return };
        let schedule = found.exclusion.schedule().unwrap();
        let algorithm = algorithm::find(id).unwrap();
        let replayed = replay(algorithm, schedule).unwrap();
        assert_eq!(replayed.both_inside, Some(schedule.steps().len()), "{id} {schedule}");
    }
}

#[test]
fn eighteen_of_twenty_orders_of_three_instructions_lose_an_update() {
    let count = |width| match orders(width) {
        Err(Error::Refused) => None,
        found => Some(found.map(|found| (found.orders, found.losing)).unwrap()),
    };
    let Some(three) = count(Width::Three) else {
        eprintln!("skipped: {}", Error::Refused);
        return;
    };
    assert_eq!(three, (20, 18));
    assert_eq!(count(Width::Locked), Some((2, 0)));
    if Width::ALL.contains(&Width::One) {
        assert_eq!(count(Width::One), Some((2, 0)));
    }
}
