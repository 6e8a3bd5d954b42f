//! What processes, threads and coroutines cost. No figure has an upper bound here: only the order
//! of figures that differ by far is asserted.

use ipcraft_lab::cost::{Case, Creation, MAX_UNITS, Unit, What, capacity, measure, memory};

const ROUNDS: usize = 3;

fn ns(what: What, members: usize) -> f64 {
    let measured = measure(&[Case::new(what, members)], ROUNDS).unwrap();
    measured[0].ns.unwrap_or_else(|| panic!("{measured:?}")).value
}

#[test]
fn switch_between_coroutines_is_faster_than_between_tasks() {
    for members in [2, 50] {
        let [future, coroutine, thread, process] = Unit::ALL.map(|unit| ns(What::Switch(unit), members));
        println!("{members}: {future} {coroutine} {thread} {process}");
        assert!(future.max(coroutine) < thread.min(process));
    }
}

#[test]
fn creation_of_a_future_is_faster_than_of_a_thread_and_of_a_program() {
    let [future, pooled, thread, program] =
        [Creation::Future, Creation::PooledCoroutine, Creation::Thread, Creation::Program]
            .map(|creation| ns(What::Create(creation), 1));
    assert!(future.max(pooled) < thread && thread < program, "{future} {pooled} {thread} {program}");
}

#[test]
fn stack_is_reserved_and_hardly_touched() {
    let of = |unit| memory(unit).unwrap().unwrap();
    let (future, coroutine, thread) = (of(Unit::Future), of(Unit::Coroutine), of(Unit::Thread));
    println!("{future:?}\n{coroutine:?}\n{thread:?}");
    assert!(coroutine.reserved >= f64::from(1 << 20) && thread.reserved >= f64::from(1 << 20));
    assert!(thread.touched * 20.0 < thread.reserved && coroutine.touched * 20.0 < coroutine.reserved);
    assert!(future.reserved < 4096.0 && future.touched < coroutine.touched);
}

#[test]
fn capacity_is_bounded_and_names_the_limit_that_stops_it() {
    for unit in [Unit::Future, Unit::Coroutine, Unit::Thread] {
        let found = capacity(unit).unwrap();
        println!("{found:?}");
        assert!(found.created == MAX_UNITS || found.stopped_by.is_some(), "{found:?}");
        assert!(found.next.is_some(), "{found:?}");
    }
}
