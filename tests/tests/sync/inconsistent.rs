use std::panic::{AssertUnwindSafe, catch_unwind};

use ipcraft::shm::Shared;
use ipcraft::sync::{Cause, Inconsistent, LockError, MutexGuard, WriteGuard};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::errno::Errno;
use nix::unistd::pause;

use super::fixture::{Fixture, kind_of};
use super::held_locks::HELD_LOCKS;

type Pair<'a> = Inconsistent<MutexGuard<'a, [u64; 2]>>;
type Table<'a> = Inconsistent<WriteGuard<'a, [u64; 2], 4>>;

/// Returns a fixture in which the owners of both locks died in the middle of a change.
fn left_inconsistent() -> Shared<Fixture> {
    let fixture = Fixture::new();
    Peer::start(|| HELD_LOCKS[..2].iter().for_each(|lock| (lock.take)(&fixture))).join();
    fixture
}

/// Asserts that every call fails with `Unrecoverable` and a hint.
fn assert_unrecoverable(fixture: &Fixture) {
    let failed = |outcome: Result<(), Error>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unrecoverable);
        assert_eq!(error.errno(), Some(Errno::ENOTRECOVERABLE as i32));
        assert!(error.to_string().contains("create a new lock"), "{error}");
    };
    for _ in 0..2 {
        failed(fixture.pair.lock().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(fixture.pair.try_lock().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(fixture.pair.lock_timeout(LONG_TIMEOUT).or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(fixture.table.write().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(fixture.table.try_write().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(fixture.table.write_timeout(LONG_TIMEOUT).or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(fixture.table.read().map(drop));
        failed(fixture.table.try_read().map(drop));
        failed(fixture.table.read_timeout(LONG_TIMEOUT).map(drop));
    }
}

/// Abandons inconsistent locks with the given function, while other processes wait for them.
fn assert_unrecoverable_after(abandon: fn(Pair<'_>, Table<'_>)) {
    let fixture = left_inconsistent();
    let found = (fixture.pair.lock().unwrap_err(), fixture.table.write().unwrap_err());
    let waiters = [
        Peer::start(|| assert_eq!(kind_of(fixture.pair.lock()), ErrorKind::Unrecoverable)),
        Peer::start(|| {
            assert_eq!(kind_of(fixture.pair.lock_timeout(LONG_TIMEOUT)), ErrorKind::Unrecoverable);
        }),
        Peer::start(|| assert_eq!(kind_of(fixture.table.write()), ErrorKind::Unrecoverable)),
        Peer::start(|| assert_eq!(kind_of(fixture.table.read()), ErrorKind::Unrecoverable)),
    ];
    waiters.iter().for_each(Peer::wait_asleep);
    match found {
        (LockError::Inconsistent(pair), LockError::Inconsistent(table)) => abandon(pair, table),
        others => panic!("{others:?}"),
    }
    waiters.into_iter().for_each(Peer::join);
    assert_unrecoverable(&fixture);
    Peer::start(|| assert_unrecoverable(&fixture)).join();
}

#[serial_test]
fn abandon_fails_blocked_and_later_calls_with_unrecoverable() {
    assert_unrecoverable_after(|pair, table| {
        pair.abandon();
        table.abandon();
    });
}

#[serial_test]
fn drop_of_inconsistent_lock_abandons_it() {
    assert_unrecoverable_after(|pair, table| drop((pair, table)));
}

#[serial_test]
fn repair_makes_data_consistent_for_later_owners() {
    let fixture = left_inconsistent();
    let repair = |pair: &mut [u64; 2]| {
        assert_eq!(*pair, [1, 0]);
        *pair = [7, 7];
    };
    assert_eq!(*fixture.pair.lock().or_else(|e| e.repair(repair)).unwrap(), [7, 7]);
    assert_eq!(*fixture.table.write().or_else(|e| e.repair(repair)).unwrap(), [7, 7]);
    Peer::start(|| {
        assert_eq!(*fixture.pair.lock().unwrap(), [7, 7]);
        assert_eq!(*fixture.table.read().unwrap(), [7, 7]);
        assert_eq!(*fixture.table.write().unwrap(), [7, 7]);
    })
    .join();
}

#[serial_test]
fn repair_that_panics_leaves_data_inconsistent_for_next_owner() {
    let fixture = left_inconsistent();
    for _ in 0..2 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            fixture.pair.lock().or_else(|e| e.repair(|_| panic!("on purpose")))
        }));
        panicked.map(drop).unwrap_err();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            fixture.table.write().or_else(|e| e.repair(|_| panic!("on purpose")))
        }));
        panicked.map(drop).unwrap_err();
    }
    Peer::start(|| HELD_LOCKS[..2].iter().for_each(|lock| (lock.assert_recovers)(&fixture))).join();
}

#[serial_test]
fn repair_killed_midway_leaves_data_inconsistent_for_next_owner() {
    let fixture = left_inconsistent();
    let half = Peer::start(|| {
        let _pair = fixture.pair.lock().or_else(|e| e.repair(|pair| pair[0] = 1)).unwrap();
        let _table = fixture.table.write().or_else(|e| {
            e.repair(|_| {
                pause();
            })
        });
    });
    half.wait_asleep();
    half.kill();
    HELD_LOCKS[..2].iter().for_each(|lock| (lock.assert_recovers)(&fixture));
}

/// Changes half of the data of both locks and panics.
fn panic_with_both(fixture: &Fixture) {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let (mut pair, mut table) = (fixture.pair.lock().unwrap(), fixture.table.write().unwrap());
        pair[0] += 1;
        table[0] += 1;
        panic!("on purpose");
    }));
    panicked.unwrap_err();
}

#[serial_test]
fn lock_after_owner_panicked_returns_cause_panicked() {
    let fixture = Fixture::new();
    panic_with_both(&fixture);
    Peer::start(|| {
        assert_eq!(kind_of(fixture.table.read()), ErrorKind::OwnerDied);
        match (fixture.pair.lock(), fixture.table.write()) {
            (Err(LockError::Inconsistent(pair)), Err(LockError::Inconsistent(table))) => {
                assert_eq!((pair.cause(), table.cause()), (Cause::Panicked, Cause::Panicked));
                assert_eq!((*pair, *table), ([1, 0], [1, 0]));
                drop((pair.mark_consistent(), table.mark_consistent()));
            }
            others => panic!("{others:?}"),
        }
    })
    .join();
    assert!(fixture.pair.try_lock().is_ok() && fixture.table.try_read().is_ok());
}

#[serial_test]
fn read_of_inconsistent_data_fails_with_owner_died() {
    let fixture = left_inconsistent();
    for read in [fixture.table.read(), fixture.table.try_read(), fixture.table.read_timeout(LONG_TIMEOUT)] {
        let error = read.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::OwnerDied, Some(Errno::EOWNERDEAD as i32)));
        assert!(error.to_string().contains("repair"), "{error}");
    }
    (HELD_LOCKS[1].assert_recovers)(&fixture);
}
