//! Locks across pid namespaces, in which different threads have the same id. The kernel would
//! mistake one for the other.
use std::cell::Cell;

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{Error, ErrorKind, name};
use ipcraft_tests::namespace::{with_own_mounts, with_own_pids};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::SHORT_TIMEOUT;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, gettid, pause};

use super::fixture::{Fixture, kind_of};
use super::held_locks::HELD_LOCKS;

/// Runs the role as the first process of a new namespace. It has the id 1.
fn in_new_pid_namespace(role: impl FnOnce()) -> Outcome {
    with_own_pids(|| Peer::start(role).join())
}

/// Starts the first child of the first process of a namespace. It has the id 2.
fn start_with_id_2(role: impl FnOnce()) -> Peer {
    Peer::start(|| {
        assert_eq!(gettid(), Pid::from_raw(2));
        role();
    })
}

/// Asserts that every call that locks fails.
fn assert_refused(fixture: &Fixture) {
    assert_eq!(kind_of(fixture.pair.lock()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.pair.try_lock()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.pair.lock_timeout(SHORT_TIMEOUT)), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.table.read()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.table.write()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.table.try_read()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.table.try_write()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.permits.acquire()), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(fixture.barrier.join()), ErrorKind::PermissionDenied);
    let error = fixture.once.call_once(|_| unreachable!()).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(Errno::EXDEV as i32)));
    assert!(error.to_string().contains("pid namespace"), "{error}");
}

#[serial_test]
fn lock_of_another_pid_namespace_fails_with_permission_denied() -> Outcome {
    let fixture = Fixture::new();
    let (pair, table) = (fixture.pair.lock().unwrap(), fixture.table.read().unwrap());
    // The child inherits the memory and its parent's knowledge of the namespace.
    let outcome = in_new_pid_namespace(|| {
        assert_refused(&fixture);
        // An event has no owner, so it works across namespaces.
        fixture.event.set().unwrap();
    });
    assert_eq!(fixture.event.is_set(), matches!(outcome, Outcome::Passed));
    drop((pair, table));
    drop((fixture.pair.try_lock().unwrap(), fixture.table.try_write().unwrap()));
    outcome
}

#[serial_test]
fn lock_in_new_pid_namespace_survives_its_owner() -> Outcome {
    in_new_pid_namespace(|| {
        for lock in HELD_LOCKS {
            let fixture = Fixture::new();
            let owner = Peer::start(|| {
                (lock.take)(&fixture);
                fixture.ready.set().unwrap();
                pause();
            });
            fixture.ready.wait().unwrap();
            (lock.assert_taken)(&fixture);
            Peer::start(|| (lock.assert_taken)(&fixture)).join();
            owner.kill();
            (lock.assert_recovers)(&fixture);
        }
    })
}

/// The owner has the id 2. A thread of another namespace with the same id tries to lock, and dies.
#[serial_test]
fn thread_killed_elsewhere_with_the_owners_id_releases_no_lock() -> Outcome {
    for lock in HELD_LOCKS {
        if let Outcome::Skipped(why) = in_new_pid_namespace(|| ()) {
            return Outcome::Skipped(why);
        }
        let fixture = shared_value(|_: &Fixture| Ok(()));
        let owners = Peer::start(|| {
            in_new_pid_namespace(|| {
                fixture.initialize().unwrap();
                let owner = start_with_id_2(|| {
                    (lock.take)(&fixture);
                    fixture.ready.set().unwrap();
                    pause();
                });
                fixture.go.wait().unwrap();
                (lock.assert_taken)(&fixture);
                owner.kill();
                (lock.assert_recovers)(&fixture);
            });
        });
        fixture.ready.wait().unwrap();
        in_new_pid_namespace(|| start_with_id_2(|| assert_refused(&fixture)).join());
        fixture.go.set().unwrap();
        owners.join();
    }
    Outcome::Passed
}

/// The parent has the id 2, and so has one of its children, in a namespace of their own.
#[serial_test]
fn guard_copy_dropped_elsewhere_with_the_owners_id_unlocks_nothing() -> Outcome {
    in_new_pid_namespace(|| {
        let fixture = Fixture::new();
        let parent = start_with_id_2(|| {
            unshare(CloneFlags::CLONE_NEWPID).unwrap();
            let first = Peer::start(pause);
            let pair = Cell::new(Some(fixture.pair.lock().unwrap()));
            let table = Cell::new(Some(fixture.table.write().unwrap()));
            let permit = Cell::new(Some(fixture.permits.acquire().unwrap()));
            start_with_id_2(|| drop((pair.take(), table.take(), permit.take()))).join();
            fixture.ready.set().unwrap();
            fixture.go.wait().unwrap();
            first.kill();
        });
        fixture.ready.wait().unwrap();
        HELD_LOCKS[..2].iter().for_each(|lock| (lock.assert_taken)(&fixture));
        assert_eq!(fixture.permits.available(), 1);
        fixture.go.set().unwrap();
        parent.join();
        drop((fixture.pair.try_lock().unwrap(), fixture.table.try_write().unwrap()));
    })
}

fn assert_proc_is_missing(operation: &str, error: &Error) {
    assert_eq!((error.operation(), error.kind()), (operation, ErrorKind::NotFound));
    assert_eq!(error.errno(), Some(Errno::ENOENT as i32));
    let text = error.to_string();
    assert!(text.contains("/proc/self/ns/pid") && text.contains("mount /proc"), "{text}");
}

/// The first process of a pid namespace cannot inherit the number of the namespace.
#[serial_test]
fn init_without_proc_fails_and_succeeds_once_proc_is_mounted() -> Outcome {
    with_own_mounts(|| {
        in_new_pid_namespace(|| {
            let fixture = shared_value(|_: &Fixture| Ok(()));
            let memory = Memfd::create("test", Shared::<Fixture>::SIZE).unwrap();
            let name = format!("/{}", name::unique("ipcraft-tests"));
            mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            for (operation, init) in [
                ("pthread_mutex_init", fixture.pair.init([0, 0])),
                ("pthread_rwlock_init", fixture.table.init([0, 0])),
                ("initialize semaphore", fixture.permits.init()),
                ("pthread_barrier_init", fixture.barrier.init()),
                ("initialize once", fixture.once.init()),
                (
                    "pthread_mutex_init",
                    Shared::initialize(memory.map().unwrap(), Fixture::initialize).map(drop),
                ),
                ("pthread_mutex_init", Shared::create_new(&name, Fixture::initialize).map(drop)),
            ] {
                assert_proc_is_missing(operation, &init.unwrap_err());
            }
            assert_eq!(kind_of(fixture.pair.lock()), ErrorKind::Invalid);
            assert_eq!(kind_of(Shared::<Fixture>::attach(memory.map().unwrap()).map(drop)), ErrorKind::InUse);
            assert_eq!(kind_of(Shared::<Fixture>::open(&name).map(drop)), ErrorKind::NotFound);
            umount("/proc").unwrap();

            fixture.initialize().unwrap();
            for lock in HELD_LOCKS {
                Peer::start(|| (lock.take)(&fixture)).join();
                (lock.assert_recovers)(&fixture);
            }
            let second = Shared::initialize(memory.map().unwrap(), Fixture::initialize).unwrap();
            drop(second.pair.lock().unwrap());
            let named = Shared::create_new(&name, Fixture::initialize).unwrap();
            drop(named.table.write().unwrap());
            named.remove().unwrap();
        });
    })
}
