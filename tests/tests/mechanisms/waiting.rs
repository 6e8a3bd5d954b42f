//! Timeouts: not before their time, not if the operation can proceed, and in time for what comes
//! late.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::{ErrorKind, Result};
use ipcraft_tests::subject::{Ends, Form, Subject, fill, receive_exactly};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(50);

pub(crate) fn timeout(_: &Subject, connect: &dyn Fn() -> Ends) {
    let ends = connect();
    expires(|| ends.receiver.receive(&mut [0; 16], Form::Within(SHORT)));
    assert_eq!(ends.sender.send(b"x", Form::Within(Duration::ZERO)).unwrap(), 1, "no time, but room");
    assert_eq!(
        ends.receiver.receive(&mut [0; 16], Form::Within(Duration::ZERO)).unwrap(),
        Some(1),
        "no time, but data"
    );

    let sent = fill(&*ends.sender);
    expires(|| ends.sender.send(b"x", Form::Within(SHORT)));
    assert!(receive_exactly(&*ends.receiver, sent.len()) == sent, "a timeout transfers nothing");

    comes_late_but_in_time(connect());
}

fn expires<T: std::fmt::Debug>(call: impl FnOnce() -> Result<T>) {
    let start = Instant::now();
    let error = call().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(start.elapsed() >= SHORT, "after {:?} already", start.elapsed());
}

fn comes_late_but_in_time(ends: Ends) {
    let (peer, receiver) = ends.sending_peer(|sender| {
        sleep(SHORT);
        sender.send(b"late", Form::Wait).unwrap();
    });
    assert_eq!(receiver.receive(&mut [0; 16], Form::Within(LONG)).unwrap(), Some(4));
    peer.join();
}
