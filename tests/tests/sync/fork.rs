use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ipcraft::sync::{Cause, LockError};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use nix::unistd::pause;

use super::fixture::Fixture;
use super::held_locks::{HELD_LOCKS, HeldLock};

/// A guard of any type.
trait Guard {}

impl<T> Guard for T {}

type Drop = fn(Box<dyn Guard + '_>);

fn drop_in_panic(copy: Box<dyn Guard + '_>) {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _copy = copy;
        panic!("on purpose");
    }));
    panicked.unwrap_err();
}

/// A child drops its copy of a guard. The parent keeps the lock, also after the child has ended.
fn assert_kept(fixture: &Fixture, lock: &HeldLock, held: Box<dyn Guard + '_>, drop_copy: Drop) {
    println!("{}", lock.name);
    let held = Cell::new(Some(held));
    let child = Peer::start(|| {
        drop_copy(held.take().expect("a copy"));
        (lock.assert_taken)(fixture);
        fixture.ready.set().unwrap();
        pause();
    });
    fixture.ready.wait().unwrap();
    fixture.ready.reset();
    let check = || Peer::start(|| (lock.assert_taken)(fixture)).join();
    check();
    child.kill();
    check();
    drop(held.take().expect("the original"));
}

fn assert_copies_unlock_nothing(drop_copy: Drop) {
    let fixture = Fixture::new();
    assert_kept(&fixture, &HELD_LOCKS[0], Box::new(fixture.pair.lock().unwrap()), drop_copy);
    drop(fixture.pair.try_lock().unwrap());
    assert_kept(&fixture, &HELD_LOCKS[1], Box::new(fixture.table.write().unwrap()), drop_copy);
    drop(fixture.table.try_read().unwrap());
    assert_kept(&fixture, &HELD_LOCKS[2], Box::new(fixture.table.read().unwrap()), drop_copy);
    drop(fixture.table.try_write().unwrap());
    let permits = (fixture.permits.acquire().unwrap(), fixture.permits.acquire().unwrap());
    assert_kept(&fixture, &HELD_LOCKS[3], Box::new(permits), drop_copy);
    assert_eq!(fixture.permits.available(), 2);
    assert_kept(&fixture, &HELD_LOCKS[4], Box::new(fixture.barrier.join().unwrap()), drop_copy);
    drop((fixture.barrier.join().unwrap(), fixture.barrier.join().unwrap()));
}

/// The parent holds inconsistent locks, and a child drops its copies.
fn assert_inconsistent_copies_abandon_nothing(drop_copy: Drop) {
    let fixture = Fixture::new();
    for HeldLock { take, .. } in &HELD_LOCKS[..2] {
        Peer::start(|| take(&fixture)).join();
    }
    let pair = Cell::new(fixture.pair.lock().err());
    let table = Cell::new(fixture.table.write().err());
    Peer::start(|| {
        drop_copy(Box::new(pair.take()));
        drop_copy(Box::new(table.take()));
        HELD_LOCKS[..2].iter().for_each(|lock| (lock.assert_taken)(&fixture));
    })
    .join();
    HELD_LOCKS[..2].iter().for_each(|lock| Peer::start(|| (lock.assert_taken)(&fixture)).join());
    match (pair.take(), table.take()) {
        (Some(LockError::Inconsistent(pair)), Some(LockError::Inconsistent(table))) => {
            assert_eq!((pair.cause(), table.cause()), (Cause::OwnerDied, Cause::OwnerDied));
            drop((pair.mark_consistent(), table.mark_consistent()));
        }
        others => panic!("{others:?}"),
    }
    assert!(
        fixture.pair.try_lock().is_ok() && fixture.table.try_write().is_ok(),
        "the locks are not abandoned"
    );
}

#[serial_test]
fn guard_copy_dropped_in_child_keeps_the_parents_lock() {
    assert_copies_unlock_nothing(|copy| drop(copy));
    assert_inconsistent_copies_abandon_nothing(|copy| drop(copy));
}

#[serial_test]
fn guard_copy_dropped_by_panic_in_child_keeps_the_parents_lock() {
    assert_copies_unlock_nothing(drop_in_panic);
    assert_inconsistent_copies_abandon_nothing(drop_in_panic);
}

/// A lock that a child takes is its own, whatever its parent holds.
#[serial_test]
fn lock_in_child_of_an_owner_belongs_to_the_child() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let pair = fixture.pair.lock().unwrap();
    let child = Peer::start(|| {
        (HELD_LOCKS[0].take)(&other);
        pause();
    });
    child.wait_asleep();
    child.kill();
    (HELD_LOCKS[0].assert_recovers)(&other);
    drop(pair);
    drop(fixture.pair.try_lock().unwrap());
}
