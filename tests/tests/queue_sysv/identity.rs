//! A handle removes its own queue only, even if another one has its identifier.

use std::fs;

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Options, Queue};
use ipcraft::sysv::Key;
use ipcraft_tests::namespace::with_own_ipc;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};
use nix::sched::{CloneFlags, unshare};

use crate::{fresh_key, kind_of};

/// The setting that makes the kernel give a chosen identifier to the next queue (sysvipc(7)).
const NEXT_ID: &str = "/proc/sys/kernel/msg_next_id";

fn removing() -> Options {
    Options::new().remove_on_drop(true)
}

#[serial_test]
fn recycled_identifier_protects_the_later_queue() -> Outcome {
    if !fs::exists(NEXT_ID).unwrap_or(false) {
        return Outcome::Skipped("the kernel has no msg_next_id".into());
    }
    with_own_ipc(|| {
        let (first, later) = (removing().create_new(Key::new(1)).unwrap(), Key::new(2));
        let opened = Queue::open(Key::new(1)).unwrap();
        Queue::from_id(first.id()).unwrap().remove().unwrap();
        fs::write(NEXT_ID, first.id().to_string()).unwrap();
        let other = Queue::create_new(later).unwrap();
        assert_eq!(other.id(), first.id(), "recycled");
        assert_eq!(kind_of(first.remove()), ErrorKind::Removed);
        assert_eq!(kind_of(opened.remove()), ErrorKind::Removed);
        drop(first);
        Queue::open(later).expect("the drop removes its own queue only");
        other.remove().unwrap();
    })
}

#[serial_test]
fn drop_in_another_ipc_namespace_removes_nothing() -> Outcome {
    with_own_ipc(|| {
        let first = removing().create_new(Key::new(1)).unwrap();
        unshare(CloneFlags::CLONE_NEWIPC).unwrap();
        let other = Queue::create_new(Key::new(1)).unwrap();
        assert_eq!(other.id(), first.id(), "each namespace counts for itself");
        drop(first);
        other.statistics().expect("the drop removes its own queue only");
    })
}

#[serial_test]
fn create_while_another_process_removes_the_queue_starts_over() {
    let key = fresh_key();
    let remover = Peer::start(|| {
        loop {
            // SAFETY: because msgget(2) takes integers and IPC_RMID ignores the pointer.
            unsafe { libc::msgctl(libc::msgget(key.number(), 0), libc::IPC_RMID, std::ptr::null_mut()) };
        }
    });
    for round in 0..20_000 {
        Queue::create(key).unwrap_or_else(|e| panic!("round {round}: {e}"));
    }
    remover.kill();
    let _ = Queue::open(key).map(|queue| queue.remove());
}
