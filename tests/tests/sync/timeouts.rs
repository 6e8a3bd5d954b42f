use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::WaitTimeoutResult;
use ipcraft_tests::eintr_storm::{Handler, Storm};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::SHORT_TIMEOUT;
use nix::unistd::pause;

use super::fixture::{Fixture, kind_of};
use super::held_locks::HELD_LOCKS;

type Timed = fn(&Fixture, Duration) -> ErrorKind;

/// Every call with a timeout, on locks that another process holds, and the kind of its error.
const TIMED: [(&str, Timed); 8] = [
    ("lock", |fixture, time| kind_of(fixture.pair.lock_timeout(time))),
    ("write", |fixture, time| kind_of(fixture.table.write_timeout(time))),
    ("read", |fixture, time| kind_of(fixture.table.read_timeout(time))),
    ("acquire", |fixture, time| kind_of(fixture.permits.acquire_timeout(time))),
    ("event", |fixture, time| kind_of(fixture.event.wait_timeout(time))),
    ("barrier", |fixture, time| kind_of(fixture.barrier.join().unwrap().wait_timeout(time))),
    ("condvar", |fixture, time| {
        let (_guard, woken) = fixture.changed.wait_timeout(fixture.spare.lock().unwrap(), time).unwrap();
        if woken == WaitTimeoutResult::TimedOut { ErrorKind::TimedOut } else { ErrorKind::Other }
    }),
    ("condvar while", |fixture, time| {
        let (_guard, woken) =
            fixture.changed.wait_while_timeout(fixture.spare.lock().unwrap(), time, |_| true).unwrap();
        if woken == WaitTimeoutResult::TimedOut { ErrorKind::TimedOut } else { ErrorKind::Other }
    }),
];

/// Returns a fixture, and a process that holds every lock in it.
fn fixture_with_owner() -> (Shared<Fixture>, Peer) {
    let fixture = Fixture::new();
    let owner = Peer::start(|| {
        for lock in HELD_LOCKS.iter().filter(|lock| lock.name != "read lock") {
            (lock.take)(&fixture);
        }
        pause();
    });
    owner.wait_asleep();
    (fixture, owner)
}

#[serial_test]
fn timed_calls_expire_no_earlier_than_the_timeout() {
    let (fixture, owner) = fixture_with_owner();
    for (name, wait) in TIMED {
        for time in [SHORT_TIMEOUT, Duration::ZERO, Duration::from_nanos(1)] {
            let start = Instant::now();
            assert_eq!(wait(&fixture, time), ErrorKind::TimedOut, "{name}");
            assert!(start.elapsed() >= time, "{name} returned after {:?}", start.elapsed());
        }
    }
    owner.kill();
}

#[serial_test]
fn timed_calls_interrupted_by_signals_keep_their_deadline() {
    let (fixture, owner) = fixture_with_owner();
    for (name, wait) in TIMED {
        let storm = Storm::start(Handler::Interrupting);
        let start = Instant::now();
        assert_eq!(wait(&fixture, SHORT_TIMEOUT * 3), ErrorKind::TimedOut, "{name}");
        assert!(start.elapsed() >= SHORT_TIMEOUT * 3, "{name} returned after {:?}", start.elapsed());
        assert!(storm.caught() > 10, "{name}: only {} signals", storm.caught());
    }
    owner.kill();
}

#[serial_test]
fn timed_calls_with_zero_timeout_succeed_without_contention() {
    let fixture = Fixture::new();
    fixture.event.set().unwrap();
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        drop(fixture.pair.lock_timeout(time).unwrap());
        drop(fixture.table.write_timeout(time).unwrap());
        drop(fixture.table.read_timeout(time).unwrap());
        drop(fixture.permits.acquire_timeout(time).unwrap());
        fixture.event.wait_timeout(time).unwrap();
        let (_guard, woken) =
            fixture.changed.wait_while_timeout(fixture.spare.lock().unwrap(), time, |_| false).unwrap();
        assert_eq!(woken, WaitTimeoutResult::Notified);
        let other =
            Peer::start(|| assert!(!fixture.barrier.join().unwrap().wait().unwrap(), "it arrived first"));
        other.wait_asleep();
        assert!(fixture.barrier.join().unwrap().wait_timeout(time).unwrap(), "it arrived last");
        other.join();
    }
}

#[serial_test]
fn blocking_calls_interrupted_by_signals_return_only_when_woken() {
    type Wait = fn(&Fixture);
    let forever: [(&str, Wait, usize); 4] = [
        ("lock", |fixture| drop(fixture.pair.lock().or_else(|e| e.repair(|_| ())).unwrap()), 0),
        ("read", |fixture| assert_eq!(kind_of(fixture.table.read()), ErrorKind::OwnerDied), 1),
        ("write", |fixture| drop(fixture.table.write().or_else(|e| e.repair(|_| ())).unwrap()), 1),
        ("acquire", |fixture| drop(fixture.permits.acquire().unwrap()), 3),
    ];
    for (name, wait, lock) in forever {
        let fixture = Fixture::new();
        let owner = Peer::start(|| {
            (HELD_LOCKS[lock].take)(&fixture);
            fixture.ready.set().unwrap();
            std::thread::sleep(SHORT_TIMEOUT * 3);
        });
        fixture.ready.wait().unwrap();
        let storm = Storm::start(Handler::Interrupting);
        wait(&fixture);
        assert!(storm.caught() > 10, "{name}: only {} signals", storm.caught());
        drop(storm);
        owner.join();
    }
    let fixture = Fixture::new();
    let setter = Peer::start(|| {
        std::thread::sleep(SHORT_TIMEOUT * 3);
        fixture.event.set().unwrap();
        *fixture.pair.lock().unwrap() = [1, 1];
        fixture.changed.notify_all().unwrap();
    });
    let storm = Storm::start(Handler::Interrupting);
    fixture.event.wait().unwrap();
    let guard = fixture.pair.lock().unwrap();
    drop(fixture.changed.wait_while(guard, |pair| *pair == [0, 0]).unwrap());
    assert!(storm.caught() > 10, "only {} signals", storm.caught());
    drop(storm);
    setter.join();
}
