//! Blocking, non-blocking and timed calls.

use std::time::{Duration, Instant};

use ipcraft::queue::sysv::{Queue, Selector};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};

use crate::{kind_of, queue};

/// Fills the queue with messages of type 1.
fn fill(queue: &Queue) {
    while queue.try_send(1, &[1; 1000]).is_ok() {}
}

fn drain(queue: &Queue, which: Selector) -> usize {
    std::iter::from_fn(|| queue.try_recv_message(which).ok()).count()
}

#[serial_test]
fn try_forms_on_empty_and_full_queue_never_block() {
    let queue = queue();
    assert_eq!(kind_of(queue.try_recv(Selector::First, &mut [0; 8])), ErrorKind::Empty);
    fill(&queue);
    let before = queue.statistics().unwrap().messages;
    let error = queue.try_send(2, &[1; 1000]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Full, Some(libc::EAGAIN)));
    assert_eq!(queue.statistics().unwrap().messages, before, "nothing was added");
    queue.recv_message(Selector::First).unwrap();
    queue.try_send(2, &[1; 1000]).expect("there is room again");
}

#[serial_test]
fn timeout_forms_expire_or_succeed_without_waiting() {
    let queue = queue();
    expires(|| queue.recv_timeout(Selector::First, &mut [0; 8], SHORT_TIMEOUT).map(drop));
    expires(|| queue.recv_truncated_timeout(Selector::First, &mut [0; 8], SHORT_TIMEOUT).map(drop));
    expires(|| queue.recv_message_timeout(Selector::First, SHORT_TIMEOUT).map(drop));
    let no_time = Duration::ZERO;
    assert_eq!(kind_of(queue.recv_timeout(Selector::First, &mut [], no_time)), ErrorKind::TimedOut);
    queue.send_timeout(3, b"x", no_time).expect("no time, but room");
    assert_eq!(kind_of(queue.recv_timeout(Selector::Type(4), &mut [0; 8], no_time)), ErrorKind::TimedOut);
    assert_eq!(queue.recv_timeout(Selector::Type(3), &mut [0; 8], no_time).unwrap(), (1, 3));
    fill(&queue);
    expires(|| queue.send_timeout(2, &[1; 1000], SHORT_TIMEOUT));
    assert_eq!(drain(&queue, Selector::Type(2)), 0, "a timeout transfers nothing");
}

fn expires(call: impl FnOnce() -> Result<()>) {
    let start = Instant::now();
    assert_eq!(kind_of(call()), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT_TIMEOUT, "expired after {:?}", start.elapsed());
}

#[serial_test]
fn blocked_call_returns_when_the_queue_changes() {
    let queue = queue();
    type Receive = fn(&Queue) -> Result<(usize, i64)>;
    let receivers: [Receive; 3] = [
        |queue| queue.recv(Selector::Type(6), &mut [0; 8]),
        |queue| queue.recv_timeout(Selector::Type(6), &mut [0; 8], LONG_TIMEOUT),
        |queue| queue.recv_truncated_timeout(Selector::Type(6), &mut [0; 8], Duration::MAX),
    ];
    for receive in receivers {
        let waiting = Peer::start(|| assert_eq!(receive(&queue).unwrap(), (4, 6)));
        waiting.wait_asleep();
        queue.send(1, b"for another").unwrap();
        queue.send(6, b"late").unwrap();
        waiting.join();
    }
    let senders: [fn(&Queue) -> Result<()>; 2] =
        [|queue| queue.send(9, &[1; 1000]), |queue| queue.send_timeout(9, &[1; 1000], Duration::MAX)];
    for send in senders {
        fill(&queue);
        let waiting = Peer::start(|| send(&queue).unwrap());
        waiting.wait_asleep();
        drain(&queue, Selector::Type(1));
        waiting.join();
        assert_eq!(drain(&queue, Selector::Type(9)), 1);
    }
}

#[serial_test]
fn each_message_goes_to_the_receiver_of_its_type() {
    const MESSAGES: i64 = 400;
    let queue = queue();
    let consumers = [1, 2, 3].map(|address| {
        let queue = &queue;
        Peer::start(move || {
            for number in (0..MESSAGES).filter(|number| number % 3 + 1 == address) {
                let message = queue.recv_message_timeout(Selector::Type(address), LONG_TIMEOUT).unwrap();
                assert_eq!((message.kind, message.bytes), (address, number.to_le_bytes().to_vec()));
            }
        })
    });
    for number in 0..MESSAGES {
        queue.send(number % 3 + 1, &number.to_le_bytes()).unwrap();
    }
    consumers.into_iter().for_each(Peer::join);
    assert_eq!(queue.statistics().unwrap().messages, 0, "no message is duplicated");
}
