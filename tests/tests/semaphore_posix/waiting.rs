//! Blocking and timed waits.

use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::Semaphore;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::errno::Errno;

use super::semaphore;

#[serial_test]
fn blocked_wait_returns_after_post() {
    let semaphore = semaphore(0);
    for wait in [
        Semaphore::wait,
        |s: &Semaphore| s.wait_timeout(LONG_TIMEOUT),
        |s: &Semaphore| s.wait_timeout(Duration::MAX),
    ] {
        let peer = Peer::start(|| wait(&semaphore).unwrap());
        peer.wait_asleep();
        assert_eq!(semaphore.value().unwrap(), 0, "the value is not negative while a process waits");
        semaphore.post().unwrap();
        peer.join();
        assert_eq!(semaphore.value().unwrap(), 0);
    }
}

#[serial_test]
fn wait_timeout_expires_and_keeps_the_value() {
    let semaphore = semaphore(0);
    for timeout in [SHORT_TIMEOUT, Duration::ZERO] {
        let start = Instant::now();
        let error = semaphore.wait_timeout(timeout).unwrap_err();
        assert!(start.elapsed() >= timeout);
        assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(Errno::ETIMEDOUT as i32)));
        assert_eq!(semaphore.value().unwrap(), 0);
    }
}

#[serial_test]
fn wait_timeout_zero_succeeds_if_a_unit_is_available() {
    let semaphore = semaphore(2);
    semaphore.wait_timeout(Duration::ZERO).unwrap();
    semaphore.wait_timeout(Duration::MAX).unwrap();
    assert_eq!(semaphore.value().unwrap(), 0);
}

#[serial_test]
fn killed_waiter_takes_no_unit() {
    let semaphore = semaphore(0);
    let peer = Peer::start(|| semaphore.wait().unwrap());
    peer.wait_asleep();
    peer.kill();
    semaphore.post().unwrap();
    assert_eq!(semaphore.value().unwrap(), 1);
    semaphore.try_wait().unwrap();
}
