//! Blocking and timed operations.

use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::errno::Errno;

use super::{kind_of, set};

const TAKE: [Operation; 1] = [Operation::subtract(0, 1)];
const GIVE: [Operation; 1] = [Operation::add(0, 1)];
const AT_ZERO: [Operation; 1] = [Operation::wait_zero(0)];

#[serial_test]
fn blocked_apply_returns_when_the_value_suffices() {
    let set = set(&[0]);
    for wait in [
        |s: &SemaphoreSet| s.apply(&[Operation::subtract(0, 2)]),
        |s: &SemaphoreSet| s.apply_timeout(&[Operation::subtract(0, 2)], LONG_TIMEOUT),
    ] {
        let peer = Peer::start(|| wait(&set).unwrap());
        peer.wait_asleep();
        set.apply(&GIVE).unwrap();
        peer.wait_asleep();
        set.apply(&GIVE).unwrap();
        peer.join();
        assert_eq!(set.value(0).unwrap(), 0);
    }
}

#[serial_test]
fn wait_zero_returns_at_zero() {
    let set = set(&[1]);
    let peer = Peer::start(|| set.apply(&AT_ZERO).unwrap());
    peer.wait_asleep();
    set.apply(&TAKE).unwrap();
    peer.join();
}

#[serial_test]
fn apply_timeout_expires_and_changes_nothing() {
    let set = set(&[0, 1]);
    let start = Instant::now();
    let error = set
        .apply_timeout(&[Operation::subtract(1, 1), Operation::subtract(0, 1)], SHORT_TIMEOUT)
        .unwrap_err();
    assert!(start.elapsed() >= SHORT_TIMEOUT);
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(Errno::ETIMEDOUT as i32)));
    assert_eq!(set.values().unwrap(), [0, 1]);
    assert_eq!(kind_of(set.apply_timeout(&TAKE, Duration::ZERO)), ErrorKind::TimedOut);
}

#[serial_test]
fn apply_timeout_zero_succeeds_if_possible() {
    let set = set(&[2]);
    set.apply_timeout(&TAKE, Duration::ZERO).unwrap();
    set.apply_timeout(&TAKE, Duration::MAX).unwrap();
    set.apply_timeout(&AT_ZERO, Duration::from_nanos(1)).unwrap();
}

#[serial_test]
fn remove_wakes_blocked_apply_with_removed() {
    for wait in [
        |s: &SemaphoreSet| s.apply(&TAKE),
        |s: &SemaphoreSet| s.apply(&[Operation::wait_zero(1)]),
        |s: &SemaphoreSet| s.apply_timeout(&TAKE, LONG_TIMEOUT),
    ] {
        let set = SemaphoreSet::create_new(Key::PRIVATE, &[0, 1]).unwrap();
        let peer = Peer::start(|| {
            let error = wait(&set).unwrap_err();
            assert_eq!((error.kind(), error.errno()), (ErrorKind::Removed, Some(Errno::EIDRM as i32)));
        });
        peer.wait_asleep();
        set.remove().unwrap();
        peer.join();
    }
}

#[serial_test]
fn killed_waiter_changes_nothing() {
    let set = set(&[0, 1]);
    let peer = Peer::start(|| set.apply(&[Operation::subtract(1, 1), Operation::subtract(0, 1)]).unwrap());
    peer.wait_asleep();
    peer.kill();
    assert_eq!(set.values().unwrap(), [0, 1]);
    assert_eq!(set.waiting_for_increase(0).unwrap(), 0);
}
