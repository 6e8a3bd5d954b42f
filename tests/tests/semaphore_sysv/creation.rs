//! Creation and opening.

use std::thread;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::errno::Errno;

use super::{kind_of, unique_key};

fn ours() -> Options {
    Options::new().remove_on_drop(true)
}

#[serial_test]
fn create_new_of_taken_key_fails_and_open_finds_the_set() {
    let key = unique_key();
    assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::NotFound);
    let made = ours().create_new(key, &[1, 2]).unwrap();
    let error = SemaphoreSet::create_new(key, &[1, 2]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::AlreadyExists, Some(Errno::EEXIST as i32)));
    assert_eq!(error.to_string(), format!("semget {key}: an object of this name already exists (EEXIST)"));
    let found = SemaphoreSet::open(key).unwrap();
    assert_eq!((found.id(), found.key(), found.count()), (made.id(), key, 2));
    assert_eq!(found.values().unwrap(), [1, 2]);
}

#[serial_test]
fn create_with_no_or_too_many_values_is_rejected() {
    let key = unique_key();
    assert_eq!(kind_of(SemaphoreSet::create_new(key, &[])), ErrorKind::Invalid);
    assert_eq!(kind_of(SemaphoreSet::create(Key::PRIVATE, &[])), ErrorKind::Invalid);
    let _set = ours().create_new(key, &[0, 0]).unwrap();
    let error = SemaphoreSet::create(key, &[0, 0, 0]).unwrap_err();
    let limit = *error.limit().unwrap();
    assert_eq!(
        (error.kind(), limit.value(), limit.requested()),
        (ErrorKind::WrongType, 2, Some(3)),
        "{error}"
    );
    assert_eq!(SemaphoreSet::create(key, &[0]).unwrap().count(), 2, "a larger set is accepted");
    let error = Options::new().exact_count(true).create(key, &[0]).unwrap_err();
    assert_eq!((error.kind(), error.limit().unwrap().value()), (ErrorKind::WrongType, 2), "{error}");
    Options::new().exact_count(true).create(key, &[0, 0]).unwrap();
}

#[serial_test]
fn create_of_existing_set_keeps_its_values() {
    let key = unique_key();
    let _set = ours().create(key, &[7]).unwrap();
    let found = ours().create(key, &[1]).unwrap();
    assert!(!found.removes_on_drop(), "this call did not create it");
    assert_eq!(found.value(0).unwrap(), 7);
}

/// Creators and openers race for one key repeatedly. An opener sees the values or no set, never
/// zeroes.
#[serial_test]
fn open_racing_with_create_never_returns_uninitialized_values() {
    const ROUNDS: usize = 200;
    let key = unique_key();
    let openers: Vec<_> = (0..3).map(|_| Peer::start(|| open_repeatedly(key, ROUNDS))).collect();
    for _ in 0..ROUNDS {
        let set = SemaphoreSet::create_new(key, &[5, 0]).unwrap();
        let all_have_opened_it = [Operation::subtract(1, 3)];
        set.apply_timeout(&all_have_opened_it, LONG_TIMEOUT).unwrap();
        set.remove().unwrap();
    }
    openers.into_iter().for_each(Peer::join);
}

fn open_repeatedly(key: Key, rounds: usize) {
    let mut last = None;
    for _ in 0..rounds {
        let set = loop {
            match SemaphoreSet::open(key) {
                Ok(set) if Some(set.id()) != last => break set,
                Ok(_) => {}
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Removed), "{error}");
                }
            }
        };
        last = Some(set.id());
        assert_eq!(set.value(0).unwrap(), 5);
        set.apply(&[Operation::add(1, 1)]).unwrap();
    }
}

#[serial_test]
fn create_new_in_racing_processes_succeeds_once() {
    let key = unique_key();
    let won = super::set(&[0]);
    let racers: Vec<_> = (0..6)
        .map(|_| {
            Peer::start(|| match SemaphoreSet::create_new(key, &[1]) {
                Ok(_) => won.apply(&[Operation::add(0, 1)]).unwrap(),
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists),
            })
        })
        .collect();
    racers.into_iter().for_each(Peer::join);
    SemaphoreSet::open(key).unwrap().remove().unwrap();
    assert_eq!(won.value(0).unwrap(), 1);
}

/// The state after a creator was killed before it set the values.
#[serial_test]
fn open_of_uninitialized_set_times_out() {
    let key = unique_key();
    // SAFETY: because semget(2) takes integers.
    let id = unsafe { libc::semget(key.number(), 1, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) };
    assert!(id >= 0);
    let start = Instant::now();
    let error = Options::new().wait_for_creator(Some(SHORT_TIMEOUT)).open(key).unwrap_err();
    assert!(start.elapsed() >= SHORT_TIMEOUT);
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, None));

    let as_it_is = Options::new().wait_for_creator(None).open(key).unwrap();
    assert_eq!(as_it_is.value(0).unwrap(), 0);
    let late = thread::spawn(move || Options::new().wait_for_creator(Some(LONG_TIMEOUT)).open(key).unwrap());
    as_it_is.set_value(0, 3).unwrap();
    as_it_is.apply(&[Operation::subtract(0, 1)]).unwrap();
    assert_eq!(late.join().unwrap().value(0).unwrap(), 2);
    as_it_is.remove().unwrap();
}

#[serial_test]
fn create_with_value_above_maximum_leaves_no_set() {
    let key = unique_key();
    let error = SemaphoreSet::create_new(key, &[1, 32768]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow);
    let limit = error.limit().unwrap();
    assert_eq!((limit.name(), limit.value(), limit.requested()), ("SEMVMX", 32767, Some(32768)));
    assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::NotFound);
}

#[serial_test]
fn open_succeeds_for_every_initial_value() {
    for first in [0, 1, 32767] {
        let key = unique_key();
        let _set = ours().create_new(key, &[first]).unwrap();
        let found = Options::new().wait_for_creator(Some(Duration::ZERO)).open(key).unwrap();
        assert_eq!(found.value(0).unwrap(), first);
    }
}

#[serial_test]
fn private_set_opens_by_identifier_only() {
    let set = super::set(&[4]);
    assert_ne!(set.id(), super::set(&[4]).id(), "each call creates a set");
    let found = SemaphoreSet::from_id(set.id()).unwrap();
    assert_eq!((found.value(0).unwrap(), found.key()), (4, Key::PRIVATE));
    assert_eq!(kind_of(SemaphoreSet::open(Key::PRIVATE)), ErrorKind::Invalid);
    assert_eq!(kind_of(SemaphoreSet::from_id(-1)), ErrorKind::NotFound);
    let id = set.id();
    drop(set);
    assert_eq!(kind_of(SemaphoreSet::from_id(id)), ErrorKind::NotFound);
}

#[serial_test]
fn set_survives_drop_without_remove_on_drop() {
    let key = unique_key();
    drop(SemaphoreSet::create_new(key, &[1]).unwrap());
    drop(ours().open(key).unwrap());
    SemaphoreSet::open(key).expect("only a set created by the call is removed").remove().unwrap();
    let set = ours().create(key, &[1]).unwrap();
    assert!(set.removes_on_drop());
    drop(set);
    assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::NotFound);
}

#[serial_test]
fn drop_of_forked_copy_removes_nothing() {
    let mut set = Some(super::set(&[1]));
    Peer::start(|| drop(set.take())).join();
    assert_eq!(set.unwrap().value(0).unwrap(), 1);
}
