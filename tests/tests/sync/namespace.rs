//! Pid namespaces, in which different threads have the same id: the kernel would take one for the other.

use std::cell::Cell;

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{Error, ErrorKind, name};
use ipcraft_tests::namespace::{with_own_mounts, with_own_pids};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, Outcome};
use libtest_mimic::Trial;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount, umount};
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
        suite::skippable(
            "namespace::init_without_proc_fails_and_succeeds_once_proc_is_mounted",
            init_without_proc_fails_and_succeeds_once_proc_is_mounted,
        ),
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
        let zone = shared(|_: &Zone| Ok(()));
        let owners = Peer::start(|| {
            first_of_its_own(|| {
                zone.initialize().unwrap();
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

fn assert_proc_is_missing(operation: &str, error: &Error) {
    assert_eq!((error.operation(), error.kind()), (operation, ErrorKind::NotFound));
    assert_eq!(error.errno(), Some(Errno::ENOENT as i32));
    let text = error.to_string();
    assert!(text.contains("/proc/self/ns/pid") && text.contains("mount /proc"), "{text}");
}

/// The first process of a pid namespace cannot inherit its number from its parent.
fn init_without_proc_fails_and_succeeds_once_proc_is_mounted() -> Outcome {
    with_own_mounts(|| {
        first_of_its_own(|| {
            let zone = shared(|_: &Zone| Ok(()));
            let memory = Memfd::create("test", Shared::<Zone>::SIZE).unwrap();
            let name = format!("/{}", name::unique("ipcraft-tests"));
            mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            for (operation, init) in [
                ("pthread_mutex_init", zone.pair.init([0, 0])),
                ("pthread_rwlock_init", zone.table.init([0, 0])),
                ("initialize semaphore", zone.permits.init()),
                ("pthread_barrier_init", zone.barrier.init()),
                ("initialize once", zone.once.init()),
                ("pthread_mutex_init", Shared::initialize(memory.map().unwrap(), Zone::initialize).map(drop)),
                ("pthread_mutex_init", Shared::create_new(&name, Zone::initialize).map(drop)),
            ] {
                assert_proc_is_missing(operation, &init.unwrap_err());
            }
            assert_eq!(kind_of(zone.pair.lock()), ErrorKind::Invalid);
            assert_eq!(kind_of(Shared::<Zone>::attach(memory.map().unwrap()).map(drop)), ErrorKind::InUse);
            assert_eq!(kind_of(Shared::<Zone>::open(&name).map(drop)), ErrorKind::NotFound);
            umount("/proc").unwrap();

            zone.initialize().unwrap();
            for kind in KINDS {
                Peer::start(|| (kind.take)(&zone)).join();
                (kind.succeed)(&zone);
            }
            let second = Shared::initialize(memory.map().unwrap(), Zone::initialize).unwrap();
            drop(second.pair.lock().unwrap());
            let named = Shared::create_new(&name, Zone::initialize).unwrap();
            drop(named.table.write().unwrap());
            named.remove().unwrap();
        });
    })
}
