//! Waiting: for how long, and for whom.

use std::time::{Duration, Instant};

use ipcraft::queue::sysv::{Queue, Selector};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;

use crate::{kind_of, queue};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(50);

/// Fills it with messages of type 1.
fn fill(queue: &Queue) {
    while queue.try_send(1, &[1; 1000]).is_ok() {}
}

fn drain(queue: &Queue, which: Selector) -> usize {
    std::iter::from_fn(|| queue.try_recv_message(which).ok()).count()
}

pub(crate) fn is_never_done_by_a_try() {
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

pub(crate) fn is_cut_by_a_timeout_and_by_nothing_else() {
    let queue = queue();
    expires(|| queue.recv_timeout(Selector::First, &mut [0; 8], SHORT).map(drop));
    expires(|| queue.recv_truncated_timeout(Selector::First, &mut [0; 8], SHORT).map(drop));
    expires(|| queue.recv_message_timeout(Selector::First, SHORT).map(drop));
    let no_time = Duration::ZERO;
    assert_eq!(kind_of(queue.recv_timeout(Selector::First, &mut [], no_time)), ErrorKind::TimedOut);
    queue.send_timeout(3, b"x", no_time).expect("no time, but room");
    assert_eq!(kind_of(queue.recv_timeout(Selector::Type(4), &mut [0; 8], no_time)), ErrorKind::TimedOut);
    assert_eq!(queue.recv_timeout(Selector::Type(3), &mut [0; 8], no_time).unwrap(), (1, 3));
    fill(&queue);
    expires(|| queue.send_timeout(2, &[1; 1000], SHORT));
    assert_eq!(drain(&queue, Selector::Type(2)), 0, "a timeout transfers nothing");
}

fn expires(call: impl FnOnce() -> Result<()>) {
    let start = Instant::now();
    assert_eq!(kind_of(call()), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT, "after {:?} already", start.elapsed());
}

pub(crate) fn ends_in_time_for_what_comes_late() {
    let queue = queue();
    type Receive = fn(&Queue) -> Result<(usize, i64)>;
    let receivers: [Receive; 3] = [
        |queue| queue.recv(Selector::Type(6), &mut [0; 8]),
        |queue| queue.recv_timeout(Selector::Type(6), &mut [0; 8], LONG),
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

pub(crate) fn leaves_each_message_to_its_address() {
    const MESSAGES: i64 = 400;
    let queue = queue();
    let consumers = [1, 2, 3].map(|address| {
        let queue = &queue;
        Peer::start(move || {
            for number in (0..MESSAGES).filter(|number| number % 3 + 1 == address) {
                let message = queue.recv_message_timeout(Selector::Type(address), LONG).unwrap();
                assert_eq!((message.kind, message.bytes), (address, number.to_le_bytes().to_vec()));
            }
        })
    });
    for number in 0..MESSAGES {
        queue.send(number % 3 + 1, &number.to_le_bytes()).unwrap();
    }
    consumers.into_iter().for_each(Peer::join);
    assert_eq!(queue.statistics().unwrap().messages, 0, "none twice");
}
