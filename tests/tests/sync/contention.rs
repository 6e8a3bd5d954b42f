use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::sync::{LockError, Mutex, MutexGuard, RwLock};
use ipcraft_tests::peer::Peer;

use super::LONG;
use super::zone::Zone;

const PROCESSES: u64 = 4;
const ROUNDS: u64 = 5000;

/// Adds one to both numbers, in steps between which others would be seen.
fn count(pair: &mut [u64; 2]) {
    assert_eq!(pair[0], pair[1], "somebody else is in the middle of it");
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

pub(super) fn mutexes_let_one_process_in_at_a_time() {
    let zone = Zone::new();
    in_processes(|| (0..ROUNDS).for_each(|_| count(&mut zone.pair.lock().unwrap())));
    assert_eq!(*zone.pair.lock().unwrap(), [PROCESSES * ROUNDS; 2]);
}

fn in_threads(role: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..PROCESSES {
            scope.spawn(&role);
        }
    });
}

pub(super) fn mutexes_let_one_thread_in_at_a_time() {
    let zone = Zone::new();
    in_threads(|| (0..ROUNDS).for_each(|_| count(&mut zone.pair.lock().unwrap())));
    assert_eq!(*zone.pair.lock().unwrap(), [PROCESSES * ROUNDS; 2]);
}

pub(super) fn timed_and_tried_locks_let_one_in_at_a_time() {
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
    let zone = Zone::new();
    in_processes(|| {
        for round in 0..ROUNDS {
            let mut guard = match round % 3 {
                0 => zone.pair.lock().unwrap(),
                1 => zone.pair.lock_timeout(LONG).unwrap(),
                _ => tried(&zone.pair),
            };
            count(&mut guard);
        }
    });
    assert_eq!(*zone.pair.lock().unwrap(), [PROCESSES * ROUNDS; 2]);
}

fn read_and_write(zone: &Zone) {
    for round in 0..ROUNDS {
        if round % 4 == 0 {
            count(&mut zone.table.write().unwrap());
        } else {
            let pair = zone.table.read().unwrap();
            assert_eq!(pair[0], pair[1], "somebody writes");
        }
    }
}

pub(super) fn writers_keep_everybody_out() {
    let zone = Zone::new();
    in_processes(|| read_and_write(&zone));
    assert_eq!(*zone.table.read().unwrap(), [PROCESSES * ROUNDS / 4; 2]);
}

pub(super) fn writers_keep_other_threads_out() {
    let zone = Zone::new();
    in_threads(|| read_and_write(&zone));
    assert_eq!(*zone.table.read().unwrap(), [PROCESSES * ROUNDS / 4; 2]);
}

/// Threads take turns: each number is the next one's to change.
pub(super) fn condvars_let_threads_take_turns() {
    const TURNS: u64 = 2000;
    let zone = Zone::new();
    let number = AtomicU64::new(0);
    in_threads(|| {
        let mine = number.fetch_add(1, Relaxed);
        for turn in (mine..TURNS).step_by(PROCESSES as usize) {
            let guard = zone.pair.lock().unwrap();
            let mut pair = zone.changed.wait_while(guard, |pair| pair[0] != turn).unwrap();
            count(&mut pair);
            zone.changed.notify_one().unwrap();
        }
    });
    assert_eq!(*zone.pair.lock().unwrap(), [TURNS; 2]);
}

pub(super) fn places_count_and_not_addresses() {
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
        // The addresses of the memory that is inherited are taken, so this is at others.
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
