use std::time::Duration;

use ipcraft::sync::OnceState;
use ipcraft_tests::step;
use ipcraft_tests::suite::{Outcome, serial_test};

use super::fixture::Fixture;

type Operation = fn(&Fixture);

/// Operations without contention.
const OPERATIONS: [(&str, Operation); 16] = [
    ("lock", |fixture| drop(fixture.pair.lock().unwrap())),
    ("try_lock", |fixture| drop(fixture.pair.try_lock().unwrap())),
    ("lock_timeout", |fixture| drop(fixture.pair.lock_timeout(Duration::MAX).unwrap())),
    ("read", |fixture| drop(fixture.table.read().unwrap())),
    ("try_read", |fixture| drop(fixture.table.try_read().unwrap())),
    ("read_timeout", |fixture| drop(fixture.table.read_timeout(Duration::MAX).unwrap())),
    ("write", |fixture| drop(fixture.table.write().unwrap())),
    ("try_write", |fixture| drop(fixture.table.try_write().unwrap())),
    ("acquire", |fixture| drop(fixture.permits.acquire().unwrap())),
    ("try_acquire", |fixture| drop(fixture.permits.try_acquire().unwrap())),
    ("available", |fixture| assert_eq!(fixture.permits.available(), 2)),
    ("event", |fixture| {
        fixture.event.set().unwrap();
        fixture.event.wait().unwrap();
        fixture.event.reset();
    }),
    ("notify", |fixture| {
        fixture.changed.notify_one().unwrap();
        fixture.changed.notify_all().unwrap();
    }),
    ("wait_while", |fixture| {
        drop(fixture.changed.wait_while(fixture.pair.lock().unwrap(), |_| false).unwrap());
    }),
    ("once", |fixture| fixture.once.call_once(|state| assert_eq!(state, OnceState::First)).unwrap()),
    ("rounds", |fixture| assert_eq!(fixture.barrier.rounds(), 0)),
];

#[serial_test]
fn operations_without_contention_make_no_system_call() -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    for (name, operation) in OPERATIONS {
        let fixture = Fixture::new();
        let trace = step::trace(|| operation(&fixture)).unwrap();
        println!("{name}: {} instructions", trace.instructions);
        assert!(trace.system_calls.is_empty(), "{name}: {:?}", trace.system_calls);
    }
    Outcome::Passed
}
