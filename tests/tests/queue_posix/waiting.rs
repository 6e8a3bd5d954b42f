//! Blocking, non-blocking and timed calls.

use std::time::{Duration, Instant};

use ipcraft::queue::posix::Queue;
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};

use crate::{kind_of, small, small_queue};

fn fill(queue: &Queue) {
    while queue.try_send(b"full", 0).is_ok() {}
}

#[serial_test]
fn try_forms_on_empty_and_full_queue_never_block() {
    let (queue, _) = small_queue();
    let error = queue.try_recv(&mut [0; 64]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Empty, Some(libc::EAGAIN)));
    assert_eq!(kind_of(queue.try_recv_message()), ErrorKind::Empty);
    fill(&queue);
    let error = queue.try_send(b"x", 9).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Full, Some(libc::EAGAIN)));
    assert_eq!(queue.attributes().unwrap().messages, 4, "nothing was added");
    assert_eq!(queue.try_recv(&mut [0; 64]).unwrap(), (4, 0));
    queue.try_send(b"x", 9).expect("there is room again");
}

#[serial_test]
fn timeout_forms_expire_or_succeed_without_waiting() {
    let (queue, _) = small_queue();
    expires(|| queue.recv_timeout(&mut [0; 64], SHORT_TIMEOUT).map(drop));
    expires(|| queue.recv_message_timeout(SHORT_TIMEOUT).map(drop));
    assert_eq!(kind_of(queue.recv_timeout(&mut [0; 64], Duration::ZERO)), ErrorKind::TimedOut);
    queue.send_timeout(b"x", 0, Duration::ZERO).expect("no time, but room");
    assert_eq!(queue.recv_timeout(&mut [0; 64], Duration::ZERO).unwrap(), (1, 0), "no time, but a message");
    fill(&queue);
    expires(|| queue.send_timeout(b"x", 0, SHORT_TIMEOUT));
    assert_eq!(queue.drain().count(), 4, "a timeout transfers nothing");
}

fn expires(call: impl FnOnce() -> Result<()>) {
    let start = Instant::now();
    assert_eq!(kind_of(call()), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT_TIMEOUT, "expired after {:?}", start.elapsed());
}

#[serial_test]
fn blocked_call_returns_when_the_queue_changes() {
    let (queue, _) = small_queue();
    type Receive = fn(&Queue) -> Result<(usize, u32)>;
    let receivers: [Receive; 3] = [
        |queue| queue.recv(&mut [0; 64]),
        |queue| queue.recv_timeout(&mut [0; 64], LONG_TIMEOUT),
        |queue| queue.recv_timeout(&mut [0; 64], Duration::MAX),
    ];
    for receive in receivers {
        let waiting = Peer::start(|| assert_eq!(receive(&queue).unwrap(), (4, 1)));
        waiting.wait_asleep();
        queue.send(b"late", 1).unwrap();
        waiting.join();
    }
    let senders: [fn(&Queue) -> Result<()>; 2] =
        [|queue| queue.send(b"late", 9), |queue| queue.send_timeout(b"late", 9, Duration::MAX)];
    for send in senders {
        fill(&queue);
        let waiting = Peer::start(|| send(&queue).unwrap());
        waiting.wait_asleep();
        queue.recv(&mut [0; 64]).unwrap();
        waiting.join();
        assert_eq!(queue.drain().next().unwrap().unwrap().priority, 9);
        assert_eq!(queue.drain().count(), 3);
    }
}

#[serial_test]
fn plain_calls_of_nonblocking_handle_never_block() {
    let (blocking, name) = small_queue();
    let queue = small().nonblocking(true).open(&name).unwrap();
    assert!(queue.attributes().unwrap().nonblocking);
    assert!(!blocking.attributes().unwrap().nonblocking, "the flag belongs to one handle");
    assert_eq!(kind_of(queue.recv(&mut [0; 64])), ErrorKind::Empty);
    assert_eq!(kind_of(queue.try_recv(&mut [0; 64])), ErrorKind::Empty);
    expires(|| queue.recv_timeout(&mut [0; 64], SHORT_TIMEOUT).map(drop));
    fill(&queue);
    assert_eq!(kind_of(queue.send(b"x", 0)), ErrorKind::Full);

    blocking.set_nonblocking(true).unwrap();
    assert_eq!(kind_of(blocking.send(b"x", 0)), ErrorKind::Full);
    let before = blocking.attributes().unwrap();
    blocking.set_nonblocking(false).unwrap();
    let after = blocking.attributes().unwrap();
    assert!(before.nonblocking && !after.nonblocking);
    assert_eq!((after.capacity, after.message_size, after.messages), (4, 64, 4), "nothing else changes");
}

#[serial_test]
fn each_message_goes_to_one_of_several_receivers() {
    const MESSAGES: u32 = 300;
    let (jobs, _) = small_queue();
    let (sums, _) = small_queue();
    let consumer = |timed: bool| {
        let mut sum = 0;
        loop {
            let message = if timed { jobs.recv_message_timeout(LONG_TIMEOUT) } else { jobs.recv_message() };
            match message.unwrap().bytes.try_into() {
                Ok(number) => sum += u32::from_le_bytes(number),
                Err(_) => return sums.send(&sum.to_le_bytes(), 0).unwrap(),
            }
        }
    };
    let consumers = [true, false, true].map(|timed| Peer::start(|| consumer(timed)));
    for number in 1..=MESSAGES {
        jobs.send(&number.to_le_bytes(), 1).unwrap();
    }
    // An empty message ends one consumer, and has a lower priority than the work.
    consumers.iter().for_each(|_| jobs.send(b"", 0).unwrap());
    consumers.into_iter().for_each(Peer::join);
    let total: u32 = sums.drain().map(|m| u32::from_le_bytes(m.unwrap().bytes.try_into().unwrap())).sum();
    assert_eq!(total, MESSAGES * (MESSAGES + 1) / 2, "no message is lost or duplicated");
}
