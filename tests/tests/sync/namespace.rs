//! Pid namespaces, in which different threads have the same id: the kernel would take one for the other.

use std::cell::Cell;

use ipcraft::ErrorKind;
use ipcraft_tests::namespace::with_own_pids;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, Outcome};
use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, gettid, pause};

use super::SHORT;
use super::held::KINDS;
use super::zone::{Zone, kind_of, shared};

pub(super) fn tests() -> Vec<Trial> {
    vec![
        suite::skippable("namespace::that_is_another_is_refused", that_is_another_is_refused),
        suite::skippable("namespace::that_is_new_has_its_own_locks", that_is_new_has_its_own_locks),
        suite::skippable(
            "namespace::with_equal_ids_takes_nothing_from_another",
            with_equal_ids_takes_nothing,
        ),
        suite::skippable("namespace::with_equal_ids_drops_copies_only", with_equal_ids_drops_copies_only),
    ]
}

/// Runs the role as the first process of a new namespace; it has the id 1.
fn first_of_its_own(role: impl FnOnce()) -> Outcome {
    with_own_pids(|| Peer::start(role).join())
}

/// A process that has the id 2, if it is the first child of the first one.
fn second(role: impl FnOnce()) -> Peer {
    Peer::start(|| {
        assert_eq!(gettid(), Pid::from_raw(2));
        role();
    })
}

/// Every call that would take a lock.
fn refused(zone: &Zone) {
    assert_eq!(kind_of(zone.pair.lock()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.pair.try_lock()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.pair.lock_timeout(SHORT)), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.table.read()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.table.write()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.table.try_read()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.table.try_write()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.permits.acquire()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(zone.barrier.join()), ErrorKind::PermissionDenied);
    let error = zone.once.call_once(|_| unreachable!()).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(Errno::EXDEV as i32)));
    assert!(error.to_string().contains("pid namespace"), "{error}");
}

fn that_is_another_is_refused() -> Outcome {
    let zone = Zone::new();
    let (pair, table) = (zone.pair.lock().unwrap(), zone.table.read().unwrap());
    // The child has the memory, and what its parent knows of the namespace.
    let outcome = first_of_its_own(|| {
        refused(&zone);
        // What belongs to nobody works between namespaces.
        zone.event.set().unwrap();
    });
    assert_eq!(zone.event.is_set(), matches!(outcome, Outcome::Passed));
    drop((pair, table));
    drop((zone.pair.try_lock().unwrap(), zone.table.try_write().unwrap()));
    outcome
}

fn that_is_new_has_its_own_locks() -> Outcome {
    first_of_its_own(|| {
        for kind in KINDS {
            let zone = Zone::new();
            let owner = Peer::start(|| {
                (kind.take)(&zone);
                zone.ready.set().unwrap();
                pause();
            });
            zone.ready.wait().unwrap();
            (kind.is_taken)(&zone);
            Peer::start(|| (kind.is_taken)(&zone)).join();
            owner.kill();
            (kind.succeed)(&zone);
        }
    })
}

/// A thread with the id 2 has it, and one of another namespace with the same id tries to have it, and dies.
fn with_equal_ids_takes_nothing() -> Outcome {
    for kind in KINDS {
        if let Outcome::Skipped(why) = first_of_its_own(|| ()) {
            return Outcome::Skipped(why);
        }
        let zone = shared(|_: &Zone| ());
        let owners = Peer::start(|| {
            first_of_its_own(|| {
                zone.initialise();
                let owner = second(|| {
                    (kind.take)(&zone);
                    zone.ready.set().unwrap();
                    pause();
                });
                zone.go.wait().unwrap();
                (kind.is_taken)(&zone);
                owner.kill();
                (kind.succeed)(&zone);
            });
        });
        zone.ready.wait().unwrap();
        first_of_its_own(|| second(|| refused(&zone)).join());
        zone.go.set().unwrap();
        owners.join();
    }
    Outcome::Passed
}

/// The parent has the id 2, and so has the second of its children, which are in a namespace of theirs.
fn with_equal_ids_drops_copies_only() -> Outcome {
    first_of_its_own(|| {
        let zone = Zone::new();
        let parent = second(|| {
            unshare(CloneFlags::CLONE_NEWPID).unwrap();
            let first = Peer::start(pause);
            let pair = Cell::new(Some(zone.pair.lock().unwrap()));
            let table = Cell::new(Some(zone.table.write().unwrap()));
            let permit = Cell::new(Some(zone.permits.acquire().unwrap()));
            second(|| drop((pair.take(), table.take(), permit.take()))).join();
            zone.ready.set().unwrap();
            zone.go.wait().unwrap();
            first.kill();
        });
        zone.ready.wait().unwrap();
        KINDS[..2].iter().for_each(|kind| (kind.is_taken)(&zone));
        assert_eq!(zone.permits.available(), 1);
        zone.go.set().unwrap();
        parent.join();
        drop((zone.pair.try_lock().unwrap(), zone.table.try_write().unwrap()));
    })
}
