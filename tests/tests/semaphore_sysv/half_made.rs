//! Sets without initial values: their creator was killed, or applies no operation.

use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::SHORT_TIMEOUT;

use super::{kind_of, unique_key};

/// Makes a set as a C program does, and as a creator leaves it that is killed right afterwards.
fn half_made(key: Key, count: i32) -> i32 {
    // SAFETY: because semget(2) takes integers.
    let id = unsafe { libc::semget(key.number(), count, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) };
    assert!(id >= 0);
    id
}

fn set_value(id: i32, index: i32, value: i32) {
    // SAFETY: because SETVAL takes an integer.
    assert_eq!(unsafe { libc::semctl(id, index, libc::SETVAL, value) }, 0);
}

fn impatient() -> Options {
    Options::new().wait_for_creator(Some(SHORT_TIMEOUT))
}

#[serial_test]
fn create_of_set_whose_creator_was_killed_gives_it_values() {
    let key = unique_key();
    half_made(key, 2);
    let set = impatient().remove_on_drop(true).create(key, &[3, 1]).unwrap();
    assert_eq!(set.values().unwrap(), [3, 1]);
    assert!(set.removes_on_drop(), "this call made the set that has values");
    assert_eq!(Options::new().wait_for_creator(Some(Duration::ZERO)).open(key).unwrap().id(), set.id());
}

#[serial_test]
fn create_of_half_made_set_by_many_processes_gives_it_values_once() {
    const UNITS: u16 = 3;
    for _ in 0..10 {
        let key = unique_key();
        half_made(key, 1);
        let take = || impatient().create(key, &[UNITS]).unwrap().apply(&[Operation::subtract(0, 1)]).unwrap();
        let takers: Vec<_> = (0..UNITS).map(|_| Peer::start(take)).collect();
        takers.into_iter().for_each(Peer::join);
        let set = SemaphoreSet::open(key).unwrap();
        assert_eq!(set.value(0).unwrap(), 0, "each of the units was taken once");
        set.remove().unwrap();
    }
}

#[serial_test]
fn create_of_set_with_values_and_no_operation_keeps_them() {
    let key = unique_key();
    let id = half_made(key, 2);
    set_value(id, 0, 5);
    set_value(id, 1, 0);
    assert_eq!(kind_of(impatient().open(key)), ErrorKind::TimedOut);
    let set = impatient().create(key, &[1, 1]).unwrap();
    assert_eq!((set.id(), set.values().unwrap()), (id, vec![5, 0]));
    let found = Options::new().wait_for_creator(Some(Duration::ZERO)).open(key);
    found.expect("the set is complete for others, too").remove().unwrap();
}

#[serial_test]
fn create_of_set_with_some_values_changes_nothing() {
    let key = unique_key();
    let id = half_made(key, 2);
    set_value(id, 1, 4);
    let error = impatient().create(key, &[1, 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("wait_for_creator"), "{error}");
    let set = Options::new().wait_for_creator(None).open(key).unwrap();
    assert_eq!((set.id(), set.values().unwrap()), (id, vec![0, 4]));
    set.remove().unwrap();
}

#[serial_test]
fn create_of_set_without_values_that_a_process_waits_on_changes_nothing() {
    let key = unique_key();
    let id = half_made(key, 1);
    let waiting = Peer::start(|| {
        let set = Options::new().wait_for_creator(None).open(key).unwrap();
        set.apply(&[Operation::subtract(0, 1)]).unwrap();
    });
    waiting.wait_asleep();
    assert_eq!(kind_of(impatient().create(key, &[1])), ErrorKind::TimedOut);
    let set = Options::new().wait_for_creator(None).open(key).unwrap();
    assert_eq!(set.id(), id);
    set.apply(&[Operation::add(0, 1)]).unwrap();
    waiting.join();
    set.remove().unwrap();
}

#[serial_test]
fn open_of_half_made_set_names_the_option_that_accepts_it() {
    let key = unique_key();
    let id = half_made(key, 1);
    for error in [impatient().open(key).unwrap_err(), impatient().from_id(id).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("wait_for_creator(None)"), "{error}");
    }
    Options::new().wait_for_creator(None).open(key).unwrap().remove().unwrap();
}

/// A process removes the set in every state that creation passes through.
#[serial_test]
fn create_while_another_process_removes_the_set_starts_over() {
    let key = unique_key();
    let remover = Peer::start(|| {
        loop {
            // SAFETY: because semget(2) takes integers and IPC_RMID has no further argument.
            unsafe { libc::semctl(libc::semget(key.number(), 0, 0), 0, libc::IPC_RMID) };
        }
    });
    let creators: Vec<_> = (0..2)
        .map(|_| {
            Peer::start(|| {
                for round in 0..5000 {
                    SemaphoreSet::create(key, &[1, 0]).unwrap_or_else(|e| panic!("round {round}: {e}"));
                }
            })
        })
        .collect();
    creators.into_iter().for_each(Peer::join);
    remover.kill();
    let _ = SemaphoreSet::open(key).map(|set| set.remove());
}
