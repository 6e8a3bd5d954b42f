use std::thread;

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::sync::{LockError, Mutex, MutexGuard, RwLock};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;

use super::fixture::Fixture;

const PROCESSES: u64 = 4;
const ROUNDS: u64 = 5000;

/// Adds one to both numbers, in steps between which another thread would show.
fn count(pair: &mut [u64; 2]) {
    assert_eq!(pair[0], pair[1], "another owner is in the middle of a change");
    pair[0] += 1;
    std::hint::black_box(&mut *pair);
    if pair[0].is_multiple_of(64) {
        thread::yield_now();
    }
    pair[1] += 1;
}

fn in_processes(role: impl Fn()) {
    let peers: Vec<_> = (0..PROCESSES).map(|_| Peer::start(&role)).collect();
    peers.into_iter().for_each(Peer::join);
}

#[serial_test]
fn mutex_contended_by_processes_loses_no_update() {
    let fixture = Fixture::new();
    in_processes(|| (0..ROUNDS).for_each(|_| count(&mut fixture.pair.lock().unwrap())));
    assert_eq!(*fixture.pair.lock().unwrap(), [PROCESSES * ROUNDS; 2]);
}

#[serial_test]
fn mutex_locked_with_try_and_timeout_loses_no_update() {
    type Guard<'a> = MutexGuard<'a, [u64; 2]>;
    fn tried(pair: &Mutex<[u64; 2]>) -> Guard<'_> {
        loop {
            match pair.try_lock() {
                Ok(guard) => return guard,
                Err(LockError::Failed(_)) => thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }
    let fixture = Fixture::new();
    in_processes(|| {
        for round in 0..ROUNDS {
            let mut guard = match round % 3 {
                0 => fixture.pair.lock().unwrap(),
                1 => fixture.pair.lock_timeout(LONG_TIMEOUT).unwrap(),
                _ => tried(&fixture.pair),
            };
            count(&mut guard);
        }
    });
    assert_eq!(*fixture.pair.lock().unwrap(), [PROCESSES * ROUNDS; 2]);
}

fn read_and_write(fixture: &Fixture) {
    for round in 0..ROUNDS {
        if round % 4 == 0 {
            count(&mut fixture.table.write().unwrap());
        } else {
            let pair = fixture.table.read().unwrap();
            assert_eq!(pair[0], pair[1], "a writer holds the lock");
        }
    }
}

#[serial_test]
fn rwlock_contended_by_processes_keeps_readers_from_partial_writes() {
    let fixture = Fixture::new();
    in_processes(|| read_and_write(&fixture));
    assert_eq!(*fixture.table.read().unwrap(), [PROCESSES * ROUNDS / 4; 2]);
}

#[serial_test]
fn locks_mapped_at_different_addresses_exclude_each_other() {
    type Pair = Mutex<[u64; 2]>;
    type Table = RwLock<[u64; 2], 2>;
    let memories =
        [Shared::<Pair>::SIZE, Shared::<Table>::SIZE].map(|size| Memfd::create("test", size).unwrap());
    let maps = || memories.each_ref().map(|memory| memory.map().unwrap());
    let attach = || -> (Shared<Pair>, Shared<Table>) {
        let [pair, table] = maps();
        (Shared::attach(pair).unwrap(), Shared::attach(table).unwrap())
    };
    let [pair, table] = maps();
    let here = Shared::initialize(pair, |pair: &Pair| pair.init([0, 0])).unwrap();
    let table = Shared::initialize(table, |table: &Table| table.init([0, 0])).unwrap();
    in_processes(|| {
        // The inherited mapping occupies its addresses, so this one is elsewhere.
        let (pair, table) = attach();
        assert_ne!(&raw const *pair, &raw const *here);
        for _ in 0..ROUNDS {
            count(&mut pair.lock().unwrap());
            count(&mut table.write().unwrap());
        }
    });
    let killed = Peer::start(|| {
        let (pair, table) = attach();
        std::mem::forget((pair.lock().unwrap(), table.write().unwrap()));
    });
    killed.join();
    assert!(matches!(here.lock(), Err(LockError::Inconsistent(pair)) if *pair == [PROCESSES * ROUNDS; 2]));
    assert!(matches!(table.write(), Err(LockError::Inconsistent(pair)) if *pair == [PROCESSES * ROUNDS; 2]));
}
