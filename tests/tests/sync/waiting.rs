use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::WaitTimeoutResult;
use ipcraft_tests::eintr_storm::{Handler, Storm};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::SHORT;
use super::held::KINDS;
use super::zone::{Zone, kind_of};

type Timed = fn(&Zone, Duration) -> ErrorKind;

/// Each call that waits at most so long, and what it came to. Somebody else has everything there is to have.
const TIMED: [(&str, Timed); 8] = [
    ("lock", |zone, time| kind_of(zone.pair.lock_timeout(time))),
    ("write", |zone, time| kind_of(zone.table.write_timeout(time))),
    ("read", |zone, time| kind_of(zone.table.read_timeout(time))),
    ("acquire", |zone, time| kind_of(zone.permits.acquire_timeout(time))),
    ("event", |zone, time| kind_of(zone.event.wait_timeout(time))),
    ("barrier", |zone, time| kind_of(zone.barrier.join().unwrap().wait_timeout(time))),
    ("condvar", |zone, time| {
        let (_guard, woken) = zone.changed.wait_timeout(zone.spare.lock().unwrap(), time).unwrap();
        if woken == WaitTimeoutResult::TimedOut { ErrorKind::TimedOut } else { ErrorKind::Other }
    }),
    ("condvar while", |zone, time| {
        let (_guard, woken) =
            zone.changed.wait_while_timeout(zone.spare.lock().unwrap(), time, |_| true).unwrap();
        if woken == WaitTimeoutResult::TimedOut { ErrorKind::TimedOut } else { ErrorKind::Other }
    }),
];

/// A zone, and a process that has everything in it.
fn taken() -> (Shared<Zone>, Peer) {
    let zone = Zone::new();
    let owner = Peer::start(|| {
        for kind in KINDS.iter().filter(|kind| kind.name != "a lock to read") {
            (kind.take)(&zone);
        }
        pause();
    });
    owner.wait_asleep();
    (zone, owner)
}

pub(super) fn ends_at_the_deadline_and_not_before() {
    let (zone, owner) = taken();
    for (name, wait) in TIMED {
        for time in [SHORT, Duration::ZERO, Duration::from_nanos(1)] {
            let start = Instant::now();
            assert_eq!(wait(&zone, time), ErrorKind::TimedOut, "{name}");
            assert!(start.elapsed() >= time, "{name} came back after {:?}", start.elapsed());
        }
    }
    owner.kill();
}

pub(super) fn goes_on_through_signals() {
    let (zone, owner) = taken();
    for (name, wait) in TIMED {
        let storm = Storm::start(Handler::Interrupting);
        let start = Instant::now();
        assert_eq!(wait(&zone, SHORT * 3), ErrorKind::TimedOut, "{name}");
        assert!(start.elapsed() >= SHORT * 3, "{name} came back after {:?}", start.elapsed());
        assert!(storm.caught() > 10, "{name}: only {} signals", storm.caught());
    }
    owner.kill();
}

/// An expired deadline still succeeds if nothing has to be waited for.
pub(super) fn needs_no_time_for_what_is_free() {
    let zone = Zone::new();
    zone.event.set().unwrap();
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        drop(zone.pair.lock_timeout(time).unwrap());
        drop(zone.table.write_timeout(time).unwrap());
        drop(zone.table.read_timeout(time).unwrap());
        drop(zone.permits.acquire_timeout(time).unwrap());
        zone.event.wait_timeout(time).unwrap();
        let (_guard, woken) =
            zone.changed.wait_while_timeout(zone.spare.lock().unwrap(), time, |_| false).unwrap();
        assert_eq!(woken, WaitTimeoutResult::Notified);
        let other = Peer::start(|| assert!(!zone.barrier.join().unwrap().wait().unwrap(), "it came first"));
        other.wait_asleep();
        assert!(zone.barrier.join().unwrap().wait_timeout(time).unwrap(), "it came last");
        other.join();
    }
}

/// Each call that waits for ever, until somebody gives it what it waits for; signals neither end nor delay it.
pub(super) fn for_ever_goes_on_through_signals() {
    type Wait = fn(&Zone);
    let forever: [(&str, Wait, usize); 4] = [
        ("lock", |zone| drop(zone.pair.lock().or_else(|e| e.repair(|_| ())).unwrap()), 0),
        ("read", |zone| assert_eq!(kind_of(zone.table.read()), ErrorKind::OwnerDied), 1),
        ("write", |zone| drop(zone.table.write().or_else(|e| e.repair(|_| ())).unwrap()), 1),
        ("acquire", |zone| drop(zone.permits.acquire().unwrap()), 3),
    ];
    for (name, wait, kind) in forever {
        let zone = Zone::new();
        let owner = Peer::start(|| {
            (KINDS[kind].take)(&zone);
            zone.ready.set().unwrap();
            std::thread::sleep(SHORT * 3);
        });
        zone.ready.wait().unwrap();
        let storm = Storm::start(Handler::Interrupting);
        wait(&zone);
        assert!(storm.caught() > 10, "{name}: only {} signals", storm.caught());
        drop(storm);
        owner.join();
    }
    let zone = Zone::new();
    let setter = Peer::start(|| {
        std::thread::sleep(SHORT * 3);
        zone.event.set().unwrap();
        *zone.pair.lock().unwrap() = [1, 1];
        zone.changed.notify_all().unwrap();
    });
    let storm = Storm::start(Handler::Interrupting);
    zone.event.wait().unwrap();
    let guard = zone.pair.lock().unwrap();
    drop(zone.changed.wait_while(guard, |pair| *pair == [0, 0]).unwrap());
    assert!(storm.caught() > 10, "only {} signals", storm.caught());
    drop(storm);
    setter.join();
}
