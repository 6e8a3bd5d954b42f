use std::thread;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, Options, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft_tests::peer::Peer;
use nix::errno::Errno;

use super::{LONG, SHORT, kind_of, unique_key};

fn ours() -> Options {
    Options::new().remove_on_drop(true)
}

pub(super) fn exclusively_and_finding_what_is_there() {
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

pub(super) fn with_too_few_or_no_semaphores_is_refused() {
    let key = unique_key();
    assert_eq!(kind_of(SemaphoreSet::create_new(key, &[])), ErrorKind::Invalid);
    assert_eq!(kind_of(SemaphoreSet::create(Key::PRIVATE, &[])), ErrorKind::Invalid);
    let _set = ours().create_new(key, &[0, 0]).unwrap();
    assert_eq!(kind_of(SemaphoreSet::create(key, &[0, 0, 0])), ErrorKind::Invalid);
    assert_eq!(SemaphoreSet::create(key, &[0]).unwrap().count(), 2, "a larger one serves");
}

pub(super) fn leaves_the_values_of_an_existing_set_alone() {
    let key = unique_key();
    let _set = ours().create(key, &[7]).unwrap();
    let found = ours().create(key, &[1]).unwrap();
    assert!(!found.removes_on_drop(), "this call did not create it");
    assert_eq!(found.value(0).unwrap(), 7);
}

/// Creators and openers race over one key again and again; an opener sees the values or no set, never zeroes.
pub(super) fn nobody_sees_a_set_without_values() {
    const ROUNDS: usize = 200;
    let key = unique_key();
    let openers: Vec<_> = (0..3).map(|_| Peer::start(|| open_again_and_again(key, ROUNDS))).collect();
    for _ in 0..ROUNDS {
        let set = SemaphoreSet::create_new(key, &[5, 0]).unwrap();
        let all_have_seen_it = [Operation::subtract(1, 3)];
        set.apply_timeout(&all_have_seen_it, LONG).unwrap();
        set.remove().unwrap();
    }
    openers.into_iter().for_each(Peer::join);
}

fn open_again_and_again(key: Key, rounds: usize) {
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

pub(super) fn exactly_one_of_many_racing_processes_wins() {
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

/// A creator that died between making the set and setting its values.
pub(super) fn half_way_blocks_nobody_for_ever() {
    let key = unique_key();
    // SAFETY: because semget(2) takes integers.
    let id = unsafe { libc::semget(key.number(), 1, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) };
    assert!(id >= 0);
    let start = Instant::now();
    let error = Options::new().wait_for_creator(Some(SHORT)).open(key).unwrap_err();
    assert!(start.elapsed() >= SHORT);
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, None));
    assert!(error.to_string().contains("its creator died"), "{error}");
    assert_eq!(kind_of(Options::new().wait_for_creator(Some(SHORT)).create(key, &[1])), ErrorKind::TimedOut);

    let as_it_is = Options::new().wait_for_creator(None).open(key).unwrap();
    assert_eq!(as_it_is.value(0).unwrap(), 0);
    let late = thread::spawn(move || Options::new().wait_for_creator(Some(LONG)).open(key).unwrap());
    as_it_is.set_value(0, 3).unwrap();
    as_it_is.apply(&[Operation::subtract(0, 1)]).unwrap();
    assert_eq!(late.join().unwrap().value(0).unwrap(), 2);
    as_it_is.remove().unwrap();
}

pub(super) fn a_value_that_cannot_be_leaves_no_set() {
    let key = unique_key();
    let error = SemaphoreSet::create_new(key, &[1, 32768]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow);
    let limit = error.limit().unwrap();
    assert_eq!((limit.name(), limit.value(), limit.requested()), ("SEMVMX", 32767, Some(32768)));
    assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::NotFound);
}

pub(super) fn the_sign_is_given_whatever_the_first_value() {
    for first in [0, 1, 32767] {
        let key = unique_key();
        let _set = ours().create_new(key, &[first]).unwrap();
        let found = Options::new().wait_for_creator(Some(Duration::ZERO)).open(key).unwrap();
        assert_eq!(found.value(0).unwrap(), first);
    }
}

pub(super) fn private_sets_are_opened_by_identifier() {
    let set = super::set(&[4]);
    assert_ne!(set.id(), super::set(&[4]).id(), "each is another one");
    let found = SemaphoreSet::from_id(set.id()).unwrap();
    assert_eq!((found.value(0).unwrap(), found.key()), (4, Key::PRIVATE));
    assert_eq!(kind_of(SemaphoreSet::open(Key::PRIVATE)), ErrorKind::Invalid);
    assert_eq!(kind_of(SemaphoreSet::from_id(-1)), ErrorKind::NotFound);
    let id = set.id();
    drop(set);
    assert_eq!(kind_of(SemaphoreSet::from_id(id)), ErrorKind::NotFound);
}

pub(super) fn drop_leaves_the_set_unless_removal_was_asked_for() {
    let key = unique_key();
    drop(SemaphoreSet::create_new(key, &[1]).unwrap());
    drop(ours().open(key).unwrap());
    SemaphoreSet::open(key).expect("only what this call created is removed").remove().unwrap();
    let set = ours().create(key, &[1]).unwrap();
    assert!(set.removes_on_drop());
    drop(set);
    assert_eq!(kind_of(SemaphoreSet::open(key)), ErrorKind::NotFound);
}

pub(super) fn a_forked_copy_removes_nothing() {
    let mut set = Some(super::set(&[1]));
    Peer::start(|| drop(set.take())).join();
    assert_eq!(set.unwrap().value(0).unwrap(), 1);
}
