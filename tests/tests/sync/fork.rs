use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ipcraft::sync::{Cause, LockError};
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::held::{KINDS, Kind};
use super::zone::Zone;

/// Anything that does something when it is dropped.
trait Held {}

impl<T> Held for T {}

type Drop = fn(Box<dyn Held + '_>);

fn in_a_panic(copy: Box<dyn Held + '_>) {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _copy = copy;
        panic!("on purpose");
    }));
    panicked.unwrap_err();
}

/// A child drops its copy of what the parent has: the parent still has it, and also when the child has ended.
fn is_still_taken(zone: &Zone, kind: &Kind, held: Box<dyn Held + '_>, drop_copy: Drop) {
    println!("{}", kind.name);
    let held = Cell::new(Some(held));
    let child = Peer::start(|| {
        drop_copy(held.take().expect("a copy"));
        (kind.is_taken)(zone);
        zone.ready.set().unwrap();
        pause();
    });
    zone.ready.wait().unwrap();
    zone.ready.reset();
    let look = || Peer::start(|| (kind.is_taken)(zone)).join();
    look();
    child.kill();
    look();
    drop(held.take().expect("the original"));
}

fn copies_do_nothing(drop_copy: Drop) {
    let zone = Zone::new();
    is_still_taken(&zone, &KINDS[0], Box::new(zone.pair.lock().unwrap()), drop_copy);
    drop(zone.pair.try_lock().unwrap());
    is_still_taken(&zone, &KINDS[1], Box::new(zone.table.write().unwrap()), drop_copy);
    drop(zone.table.try_read().unwrap());
    is_still_taken(&zone, &KINDS[2], Box::new(zone.table.read().unwrap()), drop_copy);
    drop(zone.table.try_write().unwrap());
    let permits = (zone.permits.acquire().unwrap(), zone.permits.acquire().unwrap());
    is_still_taken(&zone, &KINDS[3], Box::new(permits), drop_copy);
    assert_eq!(zone.permits.available(), 2);
    is_still_taken(&zone, &KINDS[4], Box::new(zone.barrier.join().unwrap()), drop_copy);
    drop((zone.barrier.join().unwrap(), zone.barrier.join().unwrap()));
}

/// The parent has been told of a death, and a child drops its copy of that.
fn inconsistent_copies_do_nothing(drop_copy: Drop) {
    let zone = Zone::new();
    for Kind { take, .. } in &KINDS[..2] {
        Peer::start(|| take(&zone)).join();
    }
    let pair = Cell::new(zone.pair.lock().err());
    let table = Cell::new(zone.table.write().err());
    Peer::start(|| {
        drop_copy(Box::new(pair.take()));
        drop_copy(Box::new(table.take()));
        KINDS[..2].iter().for_each(|kind| (kind.is_taken)(&zone));
    })
    .join();
    KINDS[..2].iter().for_each(|kind| Peer::start(|| (kind.is_taken)(&zone)).join());
    match (pair.take(), table.take()) {
        (Some(LockError::Inconsistent(pair)), Some(LockError::Inconsistent(table))) => {
            assert_eq!((pair.cause(), table.cause()), (Cause::OwnerDied, Cause::OwnerDied));
            drop((pair.mark_consistent(), table.mark_consistent()));
        }
        others => panic!("{others:?}"),
    }
    assert!(zone.pair.try_lock().is_ok() && zone.table.try_write().is_ok(), "nobody has given up");
}

pub(super) fn copies_of_guards_do_nothing() {
    copies_do_nothing(|copy| drop(copy));
    inconsistent_copies_do_nothing(|copy| drop(copy));
}

pub(super) fn copies_of_guards_that_a_panic_drops_do_nothing() {
    copies_do_nothing(in_a_panic);
    inconsistent_copies_do_nothing(in_a_panic);
}

/// What a child takes is its own, whatever its parent has.
pub(super) fn children_of_owners_may_use_other_locks() {
    let (zone, other) = (Zone::new(), Zone::new());
    let pair = zone.pair.lock().unwrap();
    let child = Peer::start(|| {
        (KINDS[0].take)(&other);
        pause();
    });
    child.wait_asleep();
    child.kill();
    (KINDS[0].succeed)(&other);
    drop(pair);
    drop(zone.pair.try_lock().unwrap());
}
