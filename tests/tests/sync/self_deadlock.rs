//! A thread that would wait for itself gets an error of its own.
use std::fmt::Debug;
use std::mem::forget;

use ipcraft::ErrorKind::{Deadlock, WouldBlock};
use ipcraft::sync::{LockError, OnceState};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::unistd::pause;

use super::fixture::{Fixture, HasKind, kind_of};

/// Asserts that a call failed since its own thread holds the lock.
#[track_caller]
fn assert_deadlock<T: Debug>(outcome: Result<T, impl HasKind>) {
    assert_eq!(kind_of(outcome), Deadlock);
}

fn assert_written_by_caller(fixture: &Fixture) {
    assert_deadlock(fixture.table.write());
    assert_deadlock(fixture.table.try_write());
    assert_deadlock(fixture.table.write_timeout(LONG_TIMEOUT));
    assert_deadlock(fixture.table.read());
    assert_deadlock(fixture.table.try_read());
    assert_deadlock(fixture.table.read_timeout(LONG_TIMEOUT));
}

#[serial_test]
fn lock_by_the_owner_fails_with_deadlock_and_keeps_the_lock() {
    let fixture = Fixture::new();
    let pair = fixture.pair.lock().unwrap();
    match fixture.pair.lock() {
        Err(LockError::Failed(error)) => {
            assert_eq!((error.kind(), error.errno()), (Deadlock, Some(libc::EDEADLK)));
            assert!(error.to_string().contains("release what this thread holds"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_deadlock(fixture.pair.try_lock());
    assert_deadlock(fixture.pair.lock_timeout(LONG_TIMEOUT));
    Peer::start(|| assert_eq!(kind_of(fixture.pair.try_lock()), WouldBlock)).join();
    drop(pair);
    forget(fixture.pair.lock().unwrap());
    assert_deadlock(fixture.pair.lock());
}

#[serial_test]
fn write_and_read_by_the_writer_fail_with_deadlock_and_keep_the_lock() {
    let fixture = Fixture::new();
    let mut pair = fixture.table.write().unwrap();
    assert_written_by_caller(&fixture);
    Peer::start(|| assert_eq!(kind_of(fixture.table.try_read()), WouldBlock)).join();
    pair[0] = 1;
    pair[1] = 1;
    drop(pair);
    assert_eq!(*fixture.table.try_read().unwrap(), [1, 1]);
}

/// The reader has the second slot. The first slot belongs to another reader, which stays.
#[serial_test]
fn write_by_a_reader_fails_with_deadlock_and_lets_others_in() {
    let fixture = Fixture::new();
    let hold = || {
        let _pair = fixture.table.read().unwrap();
        pause();
    };
    let others = [Peer::start(hold), Peer::start(hold), Peer::start(hold)];
    others.iter().for_each(Peer::wait_asleep);
    let pair = fixture.table.read().unwrap();
    assert_deadlock(fixture.table.write());
    assert_deadlock(fixture.table.try_write());
    assert_deadlock(fixture.table.write_timeout(LONG_TIMEOUT));
    others.into_iter().for_each(Peer::kill);
    assert_deadlock(fixture.table.write());
    Peer::start(|| drop(fixture.table.try_read().unwrap())).join();
    drop(pair);
    drop(fixture.table.try_write().unwrap());
}

#[serial_test]
fn read_by_a_reader_fails_with_deadlock_only_if_a_writer_waits() {
    let fixture = Fixture::new();
    let first = fixture.table.read().unwrap();
    drop(fixture.table.read().unwrap());
    let writer = Peer::start(|| drop(fixture.table.write().unwrap()));
    writer.wait_asleep();
    assert_deadlock(fixture.table.read());
    assert_deadlock(fixture.table.read_timeout(LONG_TIMEOUT));
    assert_eq!(kind_of(fixture.table.try_read()), WouldBlock);
    drop(first);
    writer.join();
    let _both = (fixture.table.read().unwrap(), fixture.table.read().unwrap());
}

#[serial_test]
fn read_by_the_holder_of_every_slot_fails_with_deadlock() {
    let fixture = Fixture::new();
    let mut all: Vec<_> = (0..4).map(|_| fixture.table.read().unwrap()).collect();
    assert_deadlock(fixture.table.read());
    assert_deadlock(fixture.table.try_read());
    assert_deadlock(fixture.table.read_timeout(LONG_TIMEOUT));
    all.pop();
    drop(fixture.table.try_read().unwrap());
    // A slot of another reader becomes free some time.
    let other = Peer::start(|| {
        let _pair = fixture.table.read().unwrap();
        fixture.ready.set().unwrap();
        fixture.go.wait_timeout(LONG_TIMEOUT).unwrap();
    });
    fixture.ready.wait().unwrap();
    assert_eq!(kind_of(fixture.table.try_read()), WouldBlock);
    fixture.go.set().unwrap();
    drop(fixture.table.read().unwrap());
    other.join();
}

#[serial_test]
fn acquire_by_the_holder_of_every_permit_fails_with_deadlock() {
    let fixture = Fixture::new();
    let one = fixture.permits.acquire().unwrap();
    let two = fixture.permits.acquire().unwrap();
    assert_deadlock(fixture.permits.acquire());
    assert_deadlock(fixture.permits.try_acquire());
    assert_deadlock(fixture.permits.acquire_timeout(LONG_TIMEOUT));
    Peer::start(|| assert_eq!(kind_of(fixture.permits.try_acquire()), WouldBlock)).join();
    drop(two);
    drop((fixture.permits.try_acquire().unwrap(), one));
}

#[serial_test]
fn call_once_within_the_call_fails_with_deadlock() {
    let fixture = Fixture::new();
    let unreachable = |_: OnceState| unreachable!();
    fixture
        .once
        .call_once(|_| {
            assert_deadlock(fixture.once.call_once(unreachable));
            assert_deadlock(fixture.once.try_call_once(unreachable));
            assert_deadlock(fixture.once.call_once_timeout(LONG_TIMEOUT, unreachable));
        })
        .unwrap();
    fixture.once.try_call_once(unreachable).unwrap();
}

#[serial_test]
fn wait_for_a_participant_of_the_same_thread_fails_with_deadlock() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.barrier.join().unwrap(), fixture.barrier.join().unwrap());
    assert_deadlock(one.wait());
    assert_deadlock(two.wait_timeout(LONG_TIMEOUT));
    assert_deadlock(two.try_wait());
    drop(one);
    let other = Peer::start(|| assert!(!fixture.barrier.join().unwrap().wait().unwrap()));
    other.wait_asleep();
    two.wait().unwrap();
    other.join();
}
