//! Removal on drop and on request: of its own queue only, whatever else is missing.

use std::fs::File;
use std::os::fd::OwnedFd;

use ipcraft::ErrorKind;
use ipcraft::queue::posix::Queue;
use ipcraft_tests::namespace::with_own_ipc;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use ipcraft_tests::user::unprivileged_in_own_ipc;
use nix::sched::{CloneFlags, unshare};

use crate::{fresh_name, kind_of, small};

#[serial_test]
fn remove_on_drop_happens_with_a_full_descriptor_table() {
    let name = fresh_name();
    Peer::start(|| {
        let queue = small().remove_on_drop(true).create_new(&name).unwrap();
        let all: Vec<File> = std::iter::from_fn(|| File::open("/").ok()).collect();
        drop(queue);
        drop(all);
        assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound);
    })
    .join();
}

#[serial_test]
fn remove_on_drop_happens_without_the_right_to_open_the_queue() -> Outcome {
    let name = fresh_name();
    unprivileged_in_own_ipc(
        || (),
        |()| {
            drop(small().mode(0).remove_on_drop(true).create_new(&name).unwrap());
            assert_eq!(kind_of(Queue::open(&name)), ErrorKind::NotFound);
        },
    )
}

#[serial_test]
fn remove_on_drop_in_another_ipc_namespace_removes_nothing() -> Outcome {
    let name = fresh_name();
    with_own_ipc(|| {
        let first = small().remove_on_drop(true).create_new(&name).unwrap();
        let opened = Queue::open(&name).unwrap();
        unshare(CloneFlags::CLONE_NEWIPC).unwrap();
        assert_eq!(kind_of(opened.remove()), ErrorKind::Removed, "the name is not there");
        let other = small().create_new(&name).unwrap();
        assert_eq!(kind_of(opened.remove()), ErrorKind::Removed, "the name is another queue's");
        drop(first);
        drop(Queue::open(&name).expect("the drop removes its own queue only"));
        drop(other);
        Queue::unlink(&name).unwrap();
    })
}

#[serial_test]
fn create_while_another_process_removes_the_name_starts_over() {
    let name = fresh_name();
    let remover = Peer::start(|| {
        loop {
            let _ = Queue::unlink(&name);
        }
    });
    for round in 0..10_000 {
        small().create(&name).unwrap_or_else(|e| panic!("round {round}: {e}"));
    }
    remover.kill();
    let _ = Queue::unlink(&name);
}

#[serial_test]
fn remove_takes_the_name_of_this_queue_only() {
    let name = fresh_name();
    let queue = small().remove_on_drop(true).create_new(&name).unwrap();
    let opened = Queue::open(&name).unwrap();
    opened.remove().unwrap();
    let other = small().create_new(&name).unwrap();
    for gone in [&queue, &opened] {
        assert_eq!(kind_of(gone.remove()), ErrorKind::Removed);
    }
    drop(queue);
    drop(Queue::open(&name).expect("neither the removal nor the drop touched the other queue"));
    opened.send(b"x", 0).expect("the handle is usable after the failed removal");
    other.remove().unwrap();

    let adopted = Queue::try_from(OwnedFd::from(opened)).unwrap();
    assert_eq!(kind_of(adopted.remove()), ErrorKind::Invalid);
}

#[serial_test]
fn remove_by_another_user_fails_and_the_handle_stays_usable() -> Outcome {
    let name = fresh_name();
    unprivileged_in_own_ipc(
        || drop(small().exact_mode(0o666).create_new(&name).unwrap()),
        |()| {
            let queue = Queue::open(&name).unwrap();
            assert_eq!(kind_of(queue.remove()), ErrorKind::PermissionDenied);
            queue.send(b"x", 0).unwrap();
        },
    )
}
