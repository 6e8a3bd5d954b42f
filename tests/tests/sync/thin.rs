use std::time::Duration;

use ipcraft::sync::OnceState;
use ipcraft_tests::step;
use ipcraft_tests::suite::Outcome;

use super::zone::Zone;

type Operation = fn(&Zone);

/// What nobody contends for is done without a system call.
const QUIET: [(&str, Operation); 16] = [
    ("lock", |zone| drop(zone.pair.lock().unwrap())),
    ("try_lock", |zone| drop(zone.pair.try_lock().unwrap())),
    ("lock_timeout", |zone| drop(zone.pair.lock_timeout(Duration::MAX).unwrap())),
    ("read", |zone| drop(zone.table.read().unwrap())),
    ("try_read", |zone| drop(zone.table.try_read().unwrap())),
    ("read_timeout", |zone| drop(zone.table.read_timeout(Duration::MAX).unwrap())),
    ("write", |zone| drop(zone.table.write().unwrap())),
    ("try_write", |zone| drop(zone.table.try_write().unwrap())),
    ("acquire", |zone| drop(zone.permits.acquire().unwrap())),
    ("try_acquire", |zone| drop(zone.permits.try_acquire().unwrap())),
    ("available", |zone| assert_eq!(zone.permits.available(), 2)),
    ("event", |zone| {
        zone.event.set().unwrap();
        zone.event.wait().unwrap();
        zone.event.reset();
    }),
    ("notify", |zone| {
        zone.changed.notify_one().unwrap();
        zone.changed.notify_all().unwrap();
    }),
    ("wait_while", |zone| drop(zone.changed.wait_while(zone.pair.lock().unwrap(), |_| false).unwrap())),
    ("once", |zone| zone.once.call_once(|attempt| assert_eq!(attempt, OnceState::First)).unwrap()),
    ("rounds", |zone| assert_eq!(zone.barrier.rounds(), 0)),
];

pub(super) fn system_calls() -> Outcome {
    if step::overhead() == Err(step::REFUSED) {
        return Outcome::Skipped("this system does not allow ptrace(2)".into());
    }
    for (name, operation) in QUIET {
        let zone = Zone::new();
        let trace = step::trace(|| operation(&zone)).unwrap();
        println!("{name}: {} instructions", trace.instructions);
        assert_eq!(trace.system_calls, [], "{name}");
    }
    Outcome::Passed
}
