//! Values, counts and statistics.

use std::time::{Duration, SystemTime};

use ipcraft::semaphore::sysv::{Operation, SemaphoreSet};
use ipcraft::sysv::Key;
use ipcraft::{ErrorKind, Pid};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::SHORT_TIMEOUT;

use super::{kind_of, set};

#[serial_test]
fn set_value_and_set_values_are_read_back() {
    let set = set(&[1, 2, 3]);
    assert_eq!((set.value(0).unwrap(), set.value(2).unwrap()), (1, 3));
    set.set_value(1, 32767).unwrap();
    assert_eq!(set.values().unwrap(), [1, 32767, 3]);
    set.set_values(&[0, 0, 9]).unwrap();
    assert_eq!(set.values().unwrap(), [0, 0, 9]);
}

#[serial_test]
fn set_value_out_of_range_is_rejected() {
    let set = set(&[1, 2]);
    for refused in [set.set_value(0, 32768), set.set_values(&[5, u16::MAX])] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Overflow);
        assert!(error.limit().unwrap().requested() > Some(32767), "{error}");
    }
    for wrong in [&[1][..], &[1, 2, 3], &[]] {
        assert_eq!(kind_of(set.set_values(wrong)), ErrorKind::Invalid);
    }
    assert_eq!(set.values().unwrap(), [1, 2]);
}

#[serial_test]
fn waiting_counts_match_blocked_processes() {
    let set = set(&[1, 0]);
    let growing = Peer::start(|| set.apply(&[Operation::subtract(1, 1)]).unwrap());
    let zeroing = [0; 2].map(|_| Peer::start(|| set.apply(&[Operation::wait_zero(0)]).unwrap()));
    growing.wait_asleep();
    zeroing.iter().for_each(Peer::wait_asleep);
    let counts = |index| (set.waiting_for_increase(index).unwrap(), set.waiting_for_zero(index).unwrap());
    assert_eq!((counts(0), counts(1)), ((0, 2), (1, 0)));
    set.apply(&[Operation::subtract(0, 1), Operation::add(1, 1)]).unwrap();
    growing.join();
    zeroing.into_iter().for_each(Peer::join);
    assert_eq!((counts(0), counts(1)), ((0, 0), (0, 0)));
}

#[serial_test]
fn last_pid_names_the_last_operating_process() {
    let set = set(&[1, 0]);
    assert_eq!(set.last_pid(0).unwrap(), Some(Pid::current()));
    let peer = Peer::start(|| set.apply(&[Operation::add(1, 1)]).unwrap());
    let pid = peer.id();
    peer.join();
    assert_eq!(set.last_pid(1).unwrap(), Some(pid));
    assert_eq!(set.last_pid(0).unwrap(), Some(Pid::current()));
}

#[serial_test]
fn statistics_return_count_owner_and_times() {
    let set = SemaphoreSet::create_new(Key::PRIVATE, &[0; 4]).unwrap();
    let found = set.statistics().unwrap();
    set.remove().unwrap();
    assert_eq!(found.count, 4);
    let uid = nix::unistd::geteuid().as_raw();
    assert_eq!(
        (found.permissions.uid, found.permissions.creator_uid, found.permissions.mode),
        (uid, uid, 0o600)
    );
    let now = SystemTime::now();
    for time in [found.last_change, found.last_operation.expect("the creator's sign")] {
        let age = now.duration_since(time).expect("not in the future");
        assert!(age < SHORT_TIMEOUT + Duration::from_secs(600), "{age:?}");
    }
}

#[serial_test]
fn calls_on_a_removed_set_return_removed() {
    let set = set(&[1]);
    let other = SemaphoreSet::from_id(set.id()).unwrap();
    set.remove().unwrap();
    let one = [Operation::subtract(0, 1)];
    for kind in [
        kind_of(other.apply(&one)),
        kind_of(other.try_apply(&one)),
        kind_of(other.apply_timeout(&one, SHORT_TIMEOUT)),
        kind_of(other.value(0)),
        kind_of(other.values()),
        kind_of(other.set_value(0, 1)),
        kind_of(other.set_values(&[1])),
        kind_of(other.last_pid(0)),
        kind_of(other.waiting_for_zero(0)),
        kind_of(other.statistics()),
        kind_of(other.set_mode(0o600)),
        kind_of(other.remove()),
    ] {
        assert_eq!(kind, ErrorKind::Removed);
    }
}
