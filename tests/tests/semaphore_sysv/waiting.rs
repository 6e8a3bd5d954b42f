use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft_tests::peer::Peer;
use nix::errno::Errno;

use super::{LONG, SHORT, kind_of, set};

const TAKE: [Operation; 1] = [Operation::subtract(0, 1)];
const GIVE: [Operation; 1] = [Operation::add(0, 1)];
const AT_ZERO: [Operation; 1] = [Operation::wait_zero(0)];

pub(super) fn ends_when_the_value_allows_it() {
    let set = set(&[0]);
    for wait in [
        |s: &SemaphoreSet| s.apply(&[Operation::subtract(0, 2)]),
        |s: &SemaphoreSet| s.apply_timeout(&[Operation::subtract(0, 2)], LONG),
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

pub(super) fn for_zero_ends_at_zero() {
    let set = set(&[1]);
    let peer = Peer::start(|| set.apply(&AT_ZERO).unwrap());
    peer.wait_asleep();
    set.apply(&TAKE).unwrap();
    peer.join();
}

pub(super) fn ends_at_the_deadline_and_does_nothing() {
    let set = set(&[0, 1]);
    let start = Instant::now();
    let error =
        set.apply_timeout(&[Operation::subtract(1, 1), Operation::subtract(0, 1)], SHORT).unwrap_err();
    assert!(start.elapsed() >= SHORT);
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(Errno::ETIMEDOUT as i32)));
    assert_eq!(set.values().unwrap(), [0, 1]);
    assert_eq!(kind_of(set.apply_timeout(&TAKE, Duration::ZERO)), ErrorKind::TimedOut);
}

pub(super) fn that_need_not_wait_needs_no_time() {
    let set = set(&[2]);
    set.apply_timeout(&TAKE, Duration::ZERO).unwrap();
    set.apply_timeout(&TAKE, Duration::MAX).unwrap();
    set.apply_timeout(&AT_ZERO, Duration::from_nanos(1)).unwrap();
}

pub(super) fn ends_with_the_set() {
    for wait in [
        |s: &SemaphoreSet| s.apply(&TAKE),
        |s: &SemaphoreSet| s.apply(&[Operation::wait_zero(1)]),
        |s: &SemaphoreSet| s.apply_timeout(&TAKE, LONG),
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

pub(super) fn a_killed_waiter_takes_nothing() {
    let set = set(&[0, 1]);
    let peer = Peer::start(|| set.apply(&[Operation::subtract(1, 1), Operation::subtract(0, 1)]).unwrap());
    peer.wait_asleep();
    peer.kill();
    assert_eq!(set.values().unwrap(), [0, 1]);
    assert_eq!(set.waiting_for_increase(0).unwrap(), 0);
}
