use std::panic::{AssertUnwindSafe, catch_unwind};

use ipcraft::shm::Shared;
use ipcraft::sync::{Cause, Inconsistent, LockError, MutexGuard, WriteGuard};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use nix::errno::Errno;
use nix::unistd::pause;

use super::LONG;
use super::held::KINDS;
use super::zone::{Zone, kind_of};

type Pair<'a> = Inconsistent<MutexGuard<'a, [u64; 2]>>;
type Table<'a> = Inconsistent<WriteGuard<'a, [u64; 2], 4>>;

/// A zone in which the owners of both locks have died, each in the middle of something.
fn left_inconsistent() -> Shared<Zone> {
    let zone = Zone::new();
    Peer::start(|| KINDS[..2].iter().for_each(|kind| (kind.take)(&zone))).join();
    zone
}

/// Everything fails, and says what to do.
fn is_lost(zone: &Zone) {
    let failed = |outcome: Result<(), Error>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unrecoverable);
        assert_eq!(error.errno(), Some(Errno::ENOTRECOVERABLE as i32));
        assert!(error.to_string().contains("create a new lock"), "{error}");
    };
    for _ in 0..2 {
        failed(zone.pair.lock().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(zone.pair.try_lock().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(zone.pair.lock_timeout(LONG).or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(zone.table.write().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(zone.table.try_write().or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(zone.table.write_timeout(LONG).or_else(|e| e.repair(|_| unreachable!())).map(drop));
        failed(zone.table.read().map(drop));
        failed(zone.table.try_read().map(drop));
        failed(zone.table.read_timeout(LONG).map(drop));
    }
}

/// Somebody who was told of the deaths gives up in this way; others wait meanwhile, and others come later.
fn is_lost_after(abandon: fn(Pair<'_>, Table<'_>)) {
    let zone = left_inconsistent();
    let told = (zone.pair.lock().unwrap_err(), zone.table.write().unwrap_err());
    let waiters = [
        Peer::start(|| assert_eq!(kind_of(zone.pair.lock()), ErrorKind::Unrecoverable)),
        Peer::start(|| assert_eq!(kind_of(zone.pair.lock_timeout(LONG)), ErrorKind::Unrecoverable)),
        Peer::start(|| assert_eq!(kind_of(zone.table.write()), ErrorKind::Unrecoverable)),
        Peer::start(|| assert_eq!(kind_of(zone.table.read()), ErrorKind::Unrecoverable)),
    ];
    waiters.iter().for_each(Peer::wait_asleep);
    match told {
        (LockError::Inconsistent(pair), LockError::Inconsistent(table)) => abandon(pair, table),
        others => panic!("{others:?}"),
    }
    waiters.into_iter().for_each(Peer::join);
    is_lost(&zone);
    Peer::start(|| is_lost(&zone)).join();
}

pub(super) fn data_that_is_given_up_is_lost_to_everybody() {
    is_lost_after(|pair, table| {
        pair.abandon();
        table.abandon();
    });
}

pub(super) fn data_that_is_dropped_is_given_up() {
    is_lost_after(|pair, table| drop((pair, table)));
}

pub(super) fn data_is_repaired_once() {
    let zone = left_inconsistent();
    let repair = |pair: &mut [u64; 2]| {
        assert_eq!(*pair, [1, 0]);
        *pair = [7, 7];
    };
    assert_eq!(*zone.pair.lock().or_else(|e| e.repair(repair)).unwrap(), [7, 7]);
    assert_eq!(*zone.table.write().or_else(|e| e.repair(repair)).unwrap(), [7, 7]);
    Peer::start(|| {
        assert_eq!(*zone.pair.lock().unwrap(), [7, 7]);
        assert_eq!(*zone.table.read().unwrap(), [7, 7]);
        assert_eq!(*zone.table.write().unwrap(), [7, 7]);
    })
    .join();
}

pub(super) fn data_is_told_of_again_after_a_panic_in_the_repair() {
    let zone = left_inconsistent();
    for _ in 0..2 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            zone.pair.lock().or_else(|e| e.repair(|_| panic!("on purpose")))
        }));
        panicked.map(drop).unwrap_err();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            zone.table.write().or_else(|e| e.repair(|_| panic!("on purpose")))
        }));
        panicked.map(drop).unwrap_err();
    }
    Peer::start(|| KINDS[..2].iter().for_each(|kind| (kind.succeed)(&zone))).join();
}

pub(super) fn data_is_told_of_again_after_a_death_in_the_repair() {
    let zone = left_inconsistent();
    let half = Peer::start(|| {
        let _pair = zone.pair.lock().or_else(|e| e.repair(|pair| pair[0] = 1)).unwrap();
        let _table = zone.table.write().or_else(|e| {
            e.repair(|_| {
                pause();
            })
        });
    });
    half.wait_asleep();
    half.kill();
    KINDS[..2].iter().for_each(|kind| (kind.succeed)(&zone));
}

/// Changes half of the data of both locks, and panics.
fn panic_with_both(zone: &Zone) {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let (mut pair, mut table) = (zone.pair.lock().unwrap(), zone.table.write().unwrap());
        pair[0] += 1;
        table[0] += 1;
        panic!("on purpose");
    }));
    panicked.unwrap_err();
}

pub(super) fn data_of_a_panic_is_told_of() {
    let zone = Zone::new();
    panic_with_both(&zone);
    Peer::start(|| {
        assert_eq!(kind_of(zone.table.read()), ErrorKind::OwnerDied);
        match (zone.pair.lock(), zone.table.write()) {
            (Err(LockError::Inconsistent(pair)), Err(LockError::Inconsistent(table))) => {
                assert_eq!((pair.cause(), table.cause()), (Cause::Panicked, Cause::Panicked));
                assert_eq!((*pair, *table), ([1, 0], [1, 0]));
                drop((pair.mark_consistent(), table.mark_consistent()));
            }
            others => panic!("{others:?}"),
        }
    })
    .join();
    assert!(zone.pair.try_lock().is_ok() && zone.table.try_read().is_ok());
}

/// A destructor that runs in a panic may use locks as ever.
pub(super) fn data_is_fine_if_the_panic_was_there_before() {
    struct Count<'a>(&'a Zone);
    impl Drop for Count<'_> {
        fn drop(&mut self) {
            self.0.pair.lock().unwrap()[0] += 1;
            self.0.table.write().unwrap()[0] += 1;
        }
    }
    let zone = Zone::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _count = Count(&zone);
        panic!("on purpose");
    }));
    panicked.unwrap_err();
    assert_eq!((*zone.pair.lock().unwrap(), *zone.table.write().unwrap()), ([1, 0], [1, 0]));
}

pub(super) fn data_cannot_be_read() {
    let zone = left_inconsistent();
    for read in [zone.table.read(), zone.table.try_read(), zone.table.read_timeout(LONG)] {
        let error = read.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::OwnerDied, Some(Errno::EOWNERDEAD as i32)));
        assert!(error.to_string().contains("repair"), "{error}");
    }
    (KINDS[1].succeed)(&zone);
}
