use std::time::{Duration, Instant};

use ipcraft::event::{EventFd, MAX};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;

use super::{LONG, SHORT, counter, kind_of, nonblocking};

pub(super) fn ends_with_what_is_added() {
    let counter = counter();
    for take in
        [EventFd::take, |c: &EventFd| c.take_timeout(LONG), |c: &EventFd| c.take_timeout(Duration::MAX)]
    {
        let peer = Peer::start(|| assert_eq!(take(&counter).unwrap(), 7));
        peer.wait_asleep();
        counter.add(0).unwrap();
        peer.wait_asleep();
        counter.add(7).unwrap();
        peer.join();
    }
}

pub(super) fn ends_with_what_is_taken() {
    let adds: [fn(&EventFd) -> Result<()>; 2] = [|c| c.add(2), |c| c.add_timeout(2, LONG)];
    for (counter, add) in [counter(), nonblocking()].into_iter().zip(adds) {
        counter.add(MAX - 1).unwrap();
        let peer = Peer::start(|| add(&counter).unwrap());
        peer.wait_asleep();
        assert_eq!(counter.take().unwrap(), MAX - 1);
        peer.join();
        assert_eq!(counter.take().unwrap(), 2, "nothing was lost");
    }
}

pub(super) fn ends_at_the_deadline() {
    let (empty, full) = (nonblocking(), nonblocking());
    full.add(MAX).unwrap();
    let calls: [fn(&EventFd, Duration) -> Result<()>; 4] = [
        |c, time| c.take_timeout(time).map(drop),
        EventFd::wait_timeout,
        |c, time| c.add_timeout(1, time),
        |c, time| c.add_timeout(MAX, time),
    ];
    for (counter, call) in [&empty, &empty, &full, &full].into_iter().zip(calls) {
        for time in [SHORT, Duration::ZERO] {
            let start = Instant::now();
            assert_eq!(kind_of(call(counter, time)), ErrorKind::TimedOut);
            assert!(start.elapsed() >= time);
        }
    }
    assert_eq!(full.take().unwrap(), MAX);
}

pub(super) fn that_need_not_wait_needs_no_time() {
    let counter = nonblocking();
    for time in [Duration::ZERO, Duration::MAX] {
        counter.add_timeout(3, time).unwrap();
        counter.wait_timeout(time).unwrap();
        assert_eq!(counter.take_timeout(time).unwrap(), 3);
    }
}

pub(super) fn for_it_takes_nothing() {
    let counter = counter();
    let error = counter.try_wait().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::WouldBlock, Some(libc::EAGAIN)));
    let waits: [fn(&EventFd) -> Result<()>; 2] = [EventFd::wait, |c| c.wait_timeout(LONG)];
    let peers = waits.map(|wait| {
        let counter = &counter;
        Peer::start(move || wait(counter).unwrap())
    });
    peers.iter().for_each(Peer::wait_asleep);
    counter.add(4).unwrap();
    peers.into_iter().for_each(Peer::join);
    counter.try_wait().unwrap();
    assert_eq!(counter.take().unwrap(), 4);
}

pub(super) fn is_for_non_blocking_ones_too() {
    let counter = nonblocking();
    assert_eq!(kind_of(counter.take()), ErrorKind::Empty);
    let peer = Peer::start(|| assert_eq!(counter.take_timeout(LONG).unwrap(), 9));
    peer.wait_asleep();
    counter.add(9).unwrap();
    peer.join();
}

pub(super) fn to_add_needs_a_non_blocking_one() {
    let counter = counter();
    for result in [counter.try_add(1), counter.add_timeout(1, LONG)] {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Unsupported, None));
        assert!(error.to_string().contains("nonblocking"), "{error}");
    }
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty, "nothing was added");
}
