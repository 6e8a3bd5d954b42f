//! Locks across pid namespaces, in which different threads have the same id. The kernel would
//! mistake one for the other.
use std::cell::Cell;

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft::{Error, ErrorKind, name};
use ipcraft_tests::kernel::kernel_is_at_least;
use ipcraft_tests::namespace::{with_own_mounts, with_own_pids};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::time::SHORT_TIMEOUT;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
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

/// Asserts that every call that locks fails, with this errno and a text that contains the word.
pub(super) fn assert_refused(fixture: &Fixture, errno: Errno, word: &str) {
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
    assert_eq!((error.kind(), error.errno()), (ErrorKind::PermissionDenied, Some(errno as i32)));
    assert!(error.to_string().contains(word), "{error}");
}

fn assert_foreign(fixture: &Fixture) {
    assert_refused(fixture, Errno::EXDEV, "pid namespace");
}

#[serial_test]
fn lock_of_another_pid_namespace_fails_with_permission_denied() -> Outcome {
    let fixture = Fixture::new();
    let (pair, table) = (fixture.pair.lock().unwrap(), fixture.table.read().unwrap());
    // The child inherits the memory and its parent's knowledge of the namespace.
    let outcome = in_new_pid_namespace(|| {
        assert_foreign(&fixture);
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
        in_new_pid_namespace(|| start_with_id_2(|| assert_foreign(&fixture)).join());
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

/// Runs `init` while no descriptor can be opened, so that no pidfd shows the namespace.
fn without_descriptors<T>(init: impl FnOnce() -> T) -> T {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 0, hard).unwrap();
    let outcome = init();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    outcome
}

fn hide_proc() {
    mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
}

/// The first process of a pid namespace cannot inherit the number of the namespace.
#[serial_test]
fn init_without_proc_and_pidfd_fails_and_succeeds_once_proc_is_mounted() -> Outcome {
    with_own_mounts(|| {
        in_new_pid_namespace(|| {
            let fixture = shared_value(|_: &Fixture| Ok(()));
            let memory = Memfd::create("test", Shared::<Fixture>::SIZE).unwrap();
            let name = format!("/{}", name::unique("ipcraft-tests"));
            let initialize = |fixture: &Fixture| without_descriptors(|| fixture.initialize());
            hide_proc();
            for (operation, init) in [
                ("pthread_mutex_init", without_descriptors(|| fixture.pair.init([0, 0]))),
                ("pthread_rwlock_init", without_descriptors(|| fixture.table.init([0, 0]))),
                ("initialize semaphore", without_descriptors(|| fixture.permits.init())),
                ("pthread_barrier_init", without_descriptors(|| fixture.barrier.init())),
                ("initialize once", without_descriptors(|| fixture.once.init())),
                ("pthread_mutex_init", Shared::initialize(memory.map().unwrap(), initialize).map(drop)),
                ("pthread_mutex_init", Shared::create_new(&name, initialize).map(drop)),
            ] {
                assert_proc_is_missing(operation, &init.unwrap_err());
            }
            assert_eq!(kind_of(without_descriptors(|| fixture.pair.lock())), ErrorKind::Invalid);
            assert_eq!(kind_of(Shared::<Fixture>::attach(memory.map().unwrap()).map(drop)), ErrorKind::InUse);
            assert_eq!(kind_of(Shared::<Fixture>::open(&name).map(drop)), ErrorKind::NotFound);
            umount("/proc").unwrap();

            fixture.initialize().unwrap();
            assert_all_recover(&fixture);
            let second = Shared::initialize(memory.map().unwrap(), Fixture::initialize).unwrap();
            drop(second.pair.lock().unwrap());
            let named = Shared::create_new(&name, Fixture::initialize).unwrap();
            drop(named.table.write().unwrap());
            named.remove().unwrap();
        });
    })
}

fn assert_all_recover(fixture: &Fixture) {
    for lock in HELD_LOCKS {
        Peer::start(|| (lock.take)(fixture)).join();
        (lock.assert_recovers)(fixture);
    }
}

/// A pidfd shows the same number as /proc does, from Linux 6.11 on.
#[serial_test]
fn locks_without_proc_work_with_a_pidfd_and_with_processes_that_have_proc() -> Outcome {
    if !kernel_is_at_least(6, 11) {
        return Outcome::Skipped("Linux before 6.11 shows no namespace without /proc".into());
    }
    with_own_mounts(|| {
        in_new_pid_namespace(|| {
            let fixture = shared_value(|_: &Fixture| Ok(()));
            let other = Peer::start(|| {
                fixture.ready.wait().unwrap();
                (HELD_LOCKS[0].take)(&fixture);
            });
            hide_proc();
            fixture.initialize().unwrap();
            assert_all_recover(&fixture);
            umount("/proc").unwrap();
            fixture.ready.set().unwrap();
            other.join();
            (HELD_LOCKS[0].assert_recovers)(&fixture);
        });
    })
}
