//! Two processes, stepped in chosen orders.

use std::sync::atomic::Ordering::SeqCst;

use ipcraft_step::{Pair, REFUSED, Shared, Side, State};

/// Returns two processes that each add to the first word in a load and a store, or `None` if the
/// system does not allow ptrace(2).
fn adders() -> Option<Pair> {
    let shared = Shared::new().unwrap();
    let add = |shared: &Shared| {
        let word = &shared.words()[0];
        word.store(word.load(SeqCst) + 1, SeqCst);
    };
    match Pair::start(&shared, 2, [&add, &add]) {
        Err(REFUSED) => {
            eprintln!("skipped: this system does not allow ptrace(2)");
            None
        }
        pair => Some(pair.unwrap()),
    }
}

/// Runs one side to its end. Returns the last state and the number of instructions.
fn finish(pair: &mut Pair, mut state: State, side: Side) -> (State, usize) {
    let mut count = 0;
    while let Some(next) = pair.step(&state, side).unwrap() {
        state = next;
        count += 1;
    }
    (state, count)
}

#[test]
fn programs_one_after_the_other_lose_nothing() {
    let Some(mut pair) = adders() else { return };
    let start = pair.start_state().unwrap();
    let (middle, first) = finish(&mut pair, start, Side::A);
    let (end, second) = finish(&mut pair, middle, Side::B);
    assert!(first >= 3 && first == second, "{first} {second}");
    assert_eq!(end.words()[0], 2);
    assert!(Side::BOTH.iter().all(|&side| end.has_ended(side)));
}

#[test]
fn step_from_an_earlier_state_can_have_another_end() {
    let Some(mut pair) = adders() else { return };
    // A stops behind its load: the next instruction that changes the word is its store.
    let mut before_store = pair.start_state().unwrap();
    loop {
        let next = pair.step(&before_store, Side::A).unwrap().unwrap();
        if next.words()[0] != 0 {
            break;
        }
        before_store = next;
    }
    let ends = [[Side::B, Side::A], [Side::A, Side::B]].map(|order| {
        let state = order.iter().fold(before_store.clone(), |state, &side| finish(&mut pair, state, side).0);
        state.words()[0]
    });
    assert_eq!(ends, [1, 2], "the update of B is lost if A stores last");
}

#[test]
fn equal_orders_lead_to_equal_states() {
    let Some(mut pair) = adders() else { return };
    let start = pair.start_state().unwrap();
    let mut run = |order: &str| {
        order.chars().fold(start.clone(), |state, side| {
            let side = if side == 'A' { Side::A } else { Side::B };
            pair.step(&state, side).unwrap().unwrap()
        })
    };
    assert_eq!(run("AAB"), run("ABA"), "private instructions commute");
    assert_ne!(run("AA"), run("AB"));
}
