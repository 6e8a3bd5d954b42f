use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::semaphore::posix::Semaphore;
use ipcraft_tests::peer::Peer;
use nix::errno::Errno;

use super::{LONG, SHORT, semaphore};

pub(super) fn ends_with_a_post() {
    let semaphore = semaphore(0);
    for wait in
        [Semaphore::wait, |s: &Semaphore| s.wait_timeout(LONG), |s: &Semaphore| s.wait_timeout(Duration::MAX)]
    {
        let peer = Peer::start(|| wait(&semaphore).unwrap());
        peer.wait_asleep();
        assert_eq!(semaphore.value().unwrap(), 0, "not negative, though somebody waits");
        semaphore.post().unwrap();
        peer.join();
        assert_eq!(semaphore.value().unwrap(), 0);
    }
}

pub(super) fn ends_at_the_deadline_and_takes_nothing() {
    let semaphore = semaphore(0);
    for timeout in [SHORT, Duration::ZERO] {
        let start = Instant::now();
        let error = semaphore.wait_timeout(timeout).unwrap_err();
        assert!(start.elapsed() >= timeout);
        assert_eq!((error.kind(), error.errno()), (ErrorKind::TimedOut, Some(Errno::ETIMEDOUT as i32)));
        assert_eq!(semaphore.value().unwrap(), 0);
    }
}

pub(super) fn that_need_not_wait_needs_no_time() {
    let semaphore = semaphore(2);
    semaphore.wait_timeout(Duration::ZERO).unwrap();
    semaphore.wait_timeout(Duration::MAX).unwrap();
    assert_eq!(semaphore.value().unwrap(), 0);
}

pub(super) fn takes_nothing_when_killed() {
    let semaphore = semaphore(0);
    let peer = Peer::start(|| semaphore.wait().unwrap());
    peer.wait_asleep();
    peer.kill();
    semaphore.post().unwrap();
    assert_eq!(semaphore.value().unwrap(), 1);
    semaphore.try_wait().unwrap();
}
