use ipcraft::ErrorKind;
use ipcraft::event::{EventFd, MAX, Options};
use ipcraft_tests::peer::Peer;

use super::{LONG, SHORT, counter, kind_of, nonblocking};

pub(super) fn adds_up_and_is_taken_as_a_whole() {
    for initial in [0, 1, u32::MAX] {
        let counter = EventFd::new(initial).unwrap();
        counter.add(3).unwrap();
        counter.add(1 << 40).unwrap();
        assert_eq!(counter.take().unwrap(), u64::from(initial) + 3 + (1 << 40));
        assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
    }
}

pub(super) fn one_by_one_in_semaphore_mode() {
    let semaphore = Options::new().semaphore(true).create(2).unwrap();
    semaphore.add(2).unwrap();
    for take in [EventFd::take, EventFd::try_take, |s: &EventFd| s.take_timeout(LONG), EventFd::take] {
        assert_eq!(take(&semaphore).unwrap(), 1);
    }
    assert_eq!(kind_of(semaphore.try_take()), ErrorKind::Empty);
}

pub(super) fn nothing_added_is_nothing() {
    let counter = nonblocking();
    counter.add(0).unwrap();
    counter.try_add(0).unwrap();
    counter.add_timeout(0, SHORT).unwrap();
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
    counter.add(MAX).unwrap();
    counter.try_add(0).expect("there is always room for nothing");
}

pub(super) fn goes_up_to_the_largest_value() {
    assert_eq!(MAX, u64::MAX - 1);
    let counter = nonblocking();
    counter.add(MAX - 1).unwrap();
    counter.try_add(1).unwrap();
    for beyond in [1, 2, MAX] {
        let error = counter.try_add(beyond).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Full, Some(libc::EAGAIN)));
        assert_eq!(kind_of(counter.add(beyond)), ErrorKind::Full);
        assert_eq!(kind_of(counter.add_timeout(beyond, SHORT)), ErrorKind::TimedOut);
    }
    assert_eq!(counter.take().unwrap(), MAX, "what was refused was not added");
}

pub(super) fn more_than_the_largest_value_is_refused() {
    let counter = nonblocking();
    for result in [counter.add(u64::MAX), counter.try_add(u64::MAX), counter.add_timeout(u64::MAX, LONG)] {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EINVAL)));
        let limit = error.limit().map(|limit| (limit.value(), limit.requested()));
        assert_eq!(limit, Some((MAX, Some(u64::MAX))));
    }
    assert_eq!(kind_of(counter.try_take()), ErrorKind::Empty);
}

pub(super) fn empty_says_so() {
    let error = counter().try_take().unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Empty, Some(libc::EAGAIN)));
    assert_eq!(error.to_string(), "read from eventfd: nothing to receive (EAGAIN)");
}

pub(super) fn loses_nothing_between_processes() {
    const ADDS: u64 = 5000;
    let counter = counter();
    let adders = [1, 2, 3].map(|amount| {
        let counter = &counter;
        Peer::start(move || (0..ADDS).for_each(|_| counter.add(amount).unwrap()))
    });
    let mut sum = 0;
    while sum < ADDS * (1 + 2 + 3) {
        sum += counter.take_timeout(LONG).unwrap();
    }
    adders.into_iter().for_each(Peer::join);
    assert_eq!((sum, kind_of(counter.try_take())), (ADDS * 6, ErrorKind::Empty));
}
