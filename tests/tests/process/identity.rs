//! Copies of handles in a child that has the process id of its parent.

use std::mem::ManuallyDrop;

use ipcraft::channel::spsc;
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Result, fifo, name, queue, semaphore, shm, socket};
use ipcraft_tests::namespace::with_own_pids;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::scratch;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, getpid};

/// Runs `make` as the first process of a pid namespace, and drops a copy of what it returns in the
/// first process of another one. `exists` returns whether the object is there after that, and
/// after the drop in the process that made it.
fn assert_only_its_maker_removes<T>(
    kind: &str,
    make: impl FnOnce() -> Result<T>,
    exists: impl Fn(&T) -> bool,
) {
    Peer::start(|| {
        assert_eq!(getpid(), Pid::from_raw(1));
        unshare(CloneFlags::CLONE_NEWPID).unwrap();
        let object = ManuallyDrop::new(make().unwrap());
        Peer::start(|| {
            assert_eq!(getpid(), Pid::from_raw(1));
            // SAFETY: because this copy of the process drops its value once.
            drop(unsafe { std::ptr::read(&*object) });
        })
        .join();
        assert!(exists(&object), "{kind}: removed by the child");
        // SAFETY: because the copy in the child was another one. `exists` only reads names.
        drop(unsafe { std::ptr::read(&*object) });
        assert!(!exists(&object), "{kind}: left behind by its maker");
    })
    .join();
}

fn is_found<T>(found: Result<T>) -> bool {
    found.map_or_else(|e| e.kind() != ErrorKind::NotFound && e.kind() != ErrorKind::Removed, |_| true)
}

#[serial_test]
fn drop_in_a_child_with_the_same_pid_removes_nothing() -> Outcome {
    let directory = scratch::directory();
    let path = |file: &str| directory.path().join(file);
    let (socket_path, fifo_path) = (path("socket"), path("fifo"));
    let name = format!("/{}", name::unique("ipcraft-tests"));
    // Each runs in a fork of its own, since a process can make only one first child in a namespace.
    let outcome = with_own_pids(|| {
        assert_only_its_maker_removes(
            "fifo",
            || fifo::Options::new().remove_on_drop(true).create_new(&fifo_path),
            |_| fifo_path.exists(),
        );
    });
    if !matches!(outcome, Outcome::Passed) {
        return outcome;
    }
    with_own_pids(|| {
        let options = socket::Options::new().remove_on_drop(true);
        let exists = |_: &_| socket_path.exists();
        assert_only_its_maker_removes("socket", || options.listen_stream(&*socket_path), exists);
    });
    with_own_pids(|| {
        let options = shm::posix::Options::new().remove_on_drop(true);
        let exists = |_: &_| is_found(shm::posix::Options::new().open(&name));
        assert_only_its_maker_removes("memory", || options.create_new(&name, 8), exists);
    });
    with_own_pids(|| {
        let options = semaphore::posix::Options::new().remove_on_drop(true);
        let exists = |_: &_| is_found(semaphore::posix::Options::new().open(&name));
        assert_only_its_maker_removes("semaphore", || options.create_new(&name, 1), exists);
    });
    with_own_pids(|| {
        let options = queue::posix::Options::new().remove_on_drop(true);
        let exists = |_: &_| is_found(queue::posix::Options::new().open(&name));
        assert_only_its_maker_removes("queue", || options.create_new(&name), exists);
    });
    with_own_pids(|| {
        let options = spsc::Options::<u32>::new().remove_on_drop(true);
        let exists = |_: &_| is_found(spsc::Options::<u32>::new().open(&name));
        assert_only_its_maker_removes("channel", || options.create_new(&name), exists);
    });
    with_own_pids(|| {
        assert_only_its_maker_removes(
            "System V queue",
            || queue::sysv::Options::new().remove_on_drop(true).create_new(Key::PRIVATE),
            |queue| is_found(queue::sysv::Queue::from_id(queue.id())),
        );
    });
    with_own_pids(|| {
        assert_only_its_maker_removes(
            "System V set",
            || semaphore::sysv::Options::new().remove_on_drop(true).create_new(Key::PRIVATE, &[1]),
            |set| is_found(semaphore::sysv::Options::new().from_id(set.id())),
        );
    });
    with_own_pids(|| {
        assert_only_its_maker_removes(
            "System V segment",
            || shm::sysv::Options::new().remove_on_drop(true).create_new(Key::PRIVATE, 8),
            |segment| is_found(shm::sysv::Segment::from_id(segment.id())),
        );
    });
    Outcome::Passed
}

#[serial_test]
fn readiness_dropped_in_a_child_waits_for_no_thread() {
    let (mut sender, mut receiver) = spsc::channel::<u32>(4).unwrap();
    let readiness = receiver.readiness().unwrap();
    let readiness = ManuallyDrop::new(readiness);
    Peer::start(|| {
        // SAFETY: because this copy of the process drops its value once.
        drop(unsafe { std::ptr::read(&*readiness) });
    })
    .join();
    sender.send(7).unwrap();
    assert_eq!(receiver.recv().unwrap(), 7);
    drop(ManuallyDrop::into_inner(readiness));
}
