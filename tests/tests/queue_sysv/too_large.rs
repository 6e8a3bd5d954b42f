//! Messages that no state of the queue has room for.

use std::time::Duration;

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Queue, Selector};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::LONG_TIMEOUT;

use crate::{kind_of, queue};

#[serial_test]
fn message_longer_than_the_queue_is_too_large_in_every_form() {
    let queue = queue();
    queue.send(1, &[0; 60]).unwrap();
    queue.set_max_bytes(100).unwrap();
    let error = queue.try_send(1, &[0; 101]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::TooLarge, Some(libc::EAGAIN)), "{error}");
    let limit = *error.limit().unwrap();
    assert_eq!((limit.value(), limit.requested()), (100, Some(101)));
    assert!(error.to_string().contains("set_max_bytes"), "{error}");
    assert_eq!(kind_of(queue.send_timeout(1, &[0; 101], LONG_TIMEOUT)), ErrorKind::TooLarge);
    assert_eq!(kind_of(queue.send(1, &[0; 101])), ErrorKind::TooLarge);
    assert_eq!(kind_of(queue.try_send(1, &[0; 41])), ErrorKind::Full, "this one fits later");
    queue.set_max_bytes(0).unwrap();
    assert_eq!(kind_of(queue.send(1, b"x")), ErrorKind::TooLarge);
    assert_eq!(kind_of(queue.send(1, b"")), ErrorKind::TooLarge, "not even an empty message");
}

#[serial_test]
fn timed_send_that_waits_while_the_queue_shrinks_is_too_large() {
    let queue = queue();
    while queue.try_send(1, &[0; 1000]).is_ok() {}
    let waiting = Peer::start(|| {
        assert_eq!(kind_of(queue.send_timeout(1, &[0; 1000], LONG_TIMEOUT)), ErrorKind::TooLarge);
    });
    waiting.wait_asleep();
    queue.set_max_bytes(999).unwrap();
    waiting.join();
}

#[serial_test]
fn blocked_send_of_a_message_that_fits_returns_when_there_is_room() {
    let queue: Queue = queue();
    queue.set_max_bytes(100).unwrap();
    queue.send(1, &[0; 100]).unwrap();
    let waiting = Peer::start(|| queue.send(2, &[0; 100]).unwrap());
    waiting.wait_asleep();
    queue.recv_message(Selector::First).unwrap();
    waiting.join();
    assert_eq!(queue.recv_message_timeout(Selector::Type(2), Duration::ZERO).unwrap().bytes.len(), 100);
}
