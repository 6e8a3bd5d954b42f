//! Keys: opening, creation and scope.

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::sysv::Key;
use ipcraft_tests::namespace::with_own_ipc;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{Outcome, serial_test};

use crate::{fresh_key, kind_of, queue};

fn removing() -> Options {
    Options::new().remove_on_drop(true)
}

#[serial_test]
fn key_and_identifier_open_the_same_queue() {
    let key = fresh_key();
    let made = removing().create_new(key).unwrap();
    let (opened, created) = (Queue::open(key).unwrap(), Queue::create(key).unwrap());
    assert_eq!((opened.id(), created.id()), (made.id(), made.id()));
    assert_eq!(made.statistics().unwrap().key, key);
    assert!(!created.removes_on_drop());
    opened.send(1, b"through").unwrap();
    let by_id = Queue::from_id(made.id()).unwrap();
    assert_eq!(by_id.recv_message(Selector::First).unwrap().bytes, b"through");
}

#[serial_test]
fn open_missing_and_create_new_taken_key_fail() {
    let key = fresh_key();
    let error = Queue::open(key).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, "msgget"));
    assert_eq!(error.object(), Some(&*key.to_string()));
    let made = removing().create_new(key).unwrap();
    assert_eq!(kind_of(Queue::create_new(key)), ErrorKind::AlreadyExists);
    let id = made.id();
    drop(made);
    assert_eq!(kind_of(Queue::from_id(id)), ErrorKind::NotFound);
    assert_eq!(kind_of(Queue::from_id(-1)), ErrorKind::NotFound);
}

#[serial_test]
fn private_key_creates_new_queues_and_opens_none() {
    let (one, other) = (removing().create(Key::PRIVATE).unwrap(), queue());
    assert_ne!(one.id(), other.id(), "each call creates a queue");
    assert_eq!(kind_of(Queue::open(Key::PRIVATE)), ErrorKind::Invalid);
}

#[serial_test]
fn create_new_in_racing_processes_succeeds_once() {
    let (key, winners) = (fresh_key(), queue());
    let race = || match Queue::create_new(key) {
        Ok(made) => winners.try_send(1, &made.id().to_le_bytes()).unwrap(),
        Err(e) => assert_eq!(e.kind(), ErrorKind::AlreadyExists),
    };
    let racers: Vec<Peer> = (0..6).map(|_| Peer::start(race)).collect();
    racers.into_iter().for_each(Peer::join);
    Queue::open(key).unwrap().remove().unwrap();
    assert_eq!(winners.statistics().unwrap().messages, 1);
}

#[serial_test]
fn key_for_file_equals_ftok() {
    let file = c"/proc/self/exe";
    // SAFETY: because ftok(3) reads a path that ends in NUL.
    let number = unsafe { libc::ftok(file.as_ptr(), 7) };
    assert_eq!(Key::for_file(file.to_str().unwrap(), 7).unwrap().number(), number);
}

#[serial_test]
fn key_is_local_to_the_ipc_namespace() -> Outcome {
    let key = fresh_key();
    let made = removing().create_new(key).unwrap();
    with_own_ipc(|| {
        assert_eq!(kind_of(Queue::open(key)), ErrorKind::NotFound);
        assert_eq!(kind_of(made.try_send(1, b"x")), ErrorKind::Removed);
        Queue::create_new(key).unwrap();
    })
}
