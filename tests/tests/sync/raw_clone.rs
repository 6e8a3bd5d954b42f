//! Children made by clone(2) itself. The C library stores the thread id of their parent, and the
//! kernel has no list of their locks. So they may neither take nor release one.
use std::cell::Cell;

use ipcraft::ErrorKind;
use ipcraft_tests::namespace::with_own_pids;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::raw_clone::in_raw_clone;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

use super::fixture::{Fixture, kind_of};
use super::held_locks::HELD_LOCKS;
use super::pid_namespace::assert_refused;

const NO_FLAGS: libc::c_int = 0;

fn assert_unknown(fixture: &Fixture) {
    assert_refused(fixture, Errno::EPERM, "start the process with fork");
    let new = shared_value(|_: &Fixture| Ok(()));
    let error = new.pair.init([0, 0]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(libc::EPERM)));
    assert_eq!(kind_of(new.initialize()), ErrorKind::PermissionDenied);
    // An event has no owner.
    fixture.event.set().unwrap();
}

#[serial_test]
fn lock_in_a_raw_clone_fails_and_leaves_the_lock_free() {
    let fixture = Fixture::new();
    drop(fixture.pair.lock().unwrap());
    in_raw_clone(NO_FLAGS, || assert_unknown(&fixture));
    assert!(fixture.event.is_set());
    drop((fixture.pair.try_lock().unwrap(), fixture.table.try_write().unwrap()));
    assert_eq!(fixture.permits.available(), 2);
}

/// A process of a new namespace inherits no knowledge of it.
#[serial_test]
fn init_in_a_raw_clone_of_a_process_without_locks_fails() -> Outcome {
    let fixture = shared_value(|_: &Fixture| Ok(()));
    let initialize = || assert_eq!(kind_of(fixture.initialize()), ErrorKind::PermissionDenied);
    with_own_pids(|| Peer::start(|| in_raw_clone(NO_FLAGS, initialize)).join())
}

/// The C library takes the child for its parent, so it would unlock for the child.
#[serial_test]
fn guard_copy_dropped_in_a_raw_clone_unlocks_nothing() {
    let fixture = Fixture::new();
    let pair = Cell::new(Some(fixture.pair.lock().unwrap()));
    let table = Cell::new(Some(fixture.table.write().unwrap()));
    let permits = Cell::new(Some([fixture.permits.acquire().unwrap(), fixture.permits.acquire().unwrap()]));
    let participant = Cell::new(Some(fixture.barrier.join().unwrap()));
    in_raw_clone(NO_FLAGS, || drop((pair.take(), table.take(), permits.take(), participant.take())));
    Peer::start(|| {
        for lock in HELD_LOCKS.iter().filter(|lock| lock.name != "read lock") {
            (lock.assert_taken)(&fixture);
        }
    })
    .join();
}

/// Parent and child have the id 1, each in its own namespace.
#[serial_test]
fn lock_in_a_raw_clone_with_the_owners_id_fails_and_unlocks_nothing() -> Outcome {
    with_own_pids(|| {
        Peer::start(|| {
            let fixture = Fixture::new();
            let pair = Cell::new(Some(fixture.pair.lock().unwrap()));
            in_raw_clone(libc::CLONE_NEWPID, || {
                assert_eq!(getpid(), Pid::from_raw(1));
                drop(pair.take());
                assert_unknown(&fixture);
            });
            Peer::start(|| (HELD_LOCKS[0].assert_taken)(&fixture)).join();
        })
        .join();
    })
}

/// fork(3) makes the C library and the kernel agree again.
#[serial_test]
fn lock_in_a_fork_of_a_raw_clone_works_and_its_death_is_reported() {
    let fixture = Fixture::new();
    in_raw_clone(NO_FLAGS, || {
        Peer::start(|| (HELD_LOCKS[0].take)(&fixture)).join();
        Peer::start(|| (HELD_LOCKS[0].assert_recovers)(&fixture)).join();
        assert_unknown(&fixture);
    });
    drop(fixture.pair.try_lock().unwrap());
}
