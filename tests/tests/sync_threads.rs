//! The locks between the threads of one process. These tests do not fork, so they run in parallel.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::sync::{Condvar, Mutex, RwLock};
use ipcraft_tests::shared_value::shared_value;

const THREADS: u64 = 4;
const ROUNDS: u64 = 5000;

ipcraft::shared_struct! {
    struct Fixture {
        /// Two numbers that are equal while the lock is free.
        pair: Mutex<[u64; 2]>,
        changed: Condvar,
        /// Two numbers that are equal while no writer holds the lock.
        table: RwLock<[u64; 2], 4>,
    }
}

fn fixture() -> Shared<Fixture> {
    shared_value(|fixture: &Fixture| {
        fixture.pair.init([0, 0])?;
        fixture.table.init([0, 0])
    })
}

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

fn in_threads(role: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(&role);
        }
    });
}

#[test]
fn mutex_contended_by_threads_loses_no_update() {
    let fixture = fixture();
    in_threads(|| (0..ROUNDS).for_each(|_| count(&mut fixture.pair.lock().unwrap())));
    assert_eq!(*fixture.pair.lock().unwrap(), [THREADS * ROUNDS; 2]);
}

#[test]
fn rwlock_contended_by_threads_keeps_readers_from_partial_writes() {
    let fixture = fixture();
    in_threads(|| {
        for round in 0..ROUNDS {
            if round % 4 == 0 {
                count(&mut fixture.table.write().unwrap());
            } else {
                let pair = fixture.table.read().unwrap();
                assert_eq!(pair[0], pair[1], "a writer holds the lock");
            }
        }
    });
    assert_eq!(*fixture.table.read().unwrap(), [THREADS * ROUNDS / 4; 2]);
}

/// Each thread changes the numbers that leave its own remainder.
#[test]
fn condvar_wait_while_lets_threads_take_turns() {
    const TURNS: u64 = 2000;
    let fixture = fixture();
    let next = AtomicU64::new(0);
    in_threads(|| {
        let first = next.fetch_add(1, Relaxed);
        for turn in (first..TURNS).step_by(THREADS as usize) {
            let guard = fixture.pair.lock().unwrap();
            let mut pair = fixture.changed.wait_while(guard, |pair| pair[0] != turn).unwrap();
            count(&mut pair);
            fixture.changed.notify_one().unwrap();
        }
    });
    assert_eq!(*fixture.pair.lock().unwrap(), [TURNS; 2]);
}

/// A destructor that runs during a panic may lock.
#[test]
fn lock_taken_during_a_panic_leaves_data_consistent() {
    struct Count<'a>(&'a Fixture);
    impl Drop for Count<'_> {
        fn drop(&mut self) {
            self.0.pair.lock().unwrap()[0] += 1;
            self.0.table.write().unwrap()[0] += 1;
        }
    }
    let fixture = fixture();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _count = Count(&fixture);
        panic!("on purpose");
    }));
    panicked.unwrap_err();
    assert_eq!((*fixture.pair.lock().unwrap(), *fixture.table.write().unwrap()), ([1, 0], [1, 0]));
}

#[test]
fn initialize_with_failing_closure_leaves_memory_uninitialized() {
    let memory = Memfd::create("test", Shared::<Mutex<u64>>::SIZE).unwrap();
    // Locking an uninitialized mutex is a way to fail.
    let fail = |mutex: &Mutex<u64>| mutex.lock().or_else(|e| e.repair(|_| ())).map(drop);
    let error = Shared::initialize(memory.map().unwrap(), fail).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let attached = Shared::<Mutex<u64>>::attach(memory.map().unwrap());
    assert_eq!(attached.unwrap_err().kind(), ErrorKind::InUse);
    let number = Shared::<Mutex<u64>>::initialize(memory.map().unwrap(), |mutex| mutex.init(5)).unwrap();
    assert_eq!(*number.lock().unwrap(), 5);
}
