//! Signals do not show: nothing is lost, no call fails, no deadline moves.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft_tests::storm::Storm;
use ipcraft_tests::subject::{Ends, Form, Receiver, Sender, Subject, pattern, receive_exactly, send_all};

const CHUNKS: usize = 60;
const CHUNK: usize = 4000;
/// Between two chunks of the calm side, so that the other one mostly waits.
const PAUSE: Duration = Duration::from_millis(3);
const DEADLINE: Duration = Duration::from_millis(100);

pub(crate) fn eintr_storm(_: &Subject, connect: &dyn Fn() -> Ends) {
    for form in [Form::Wait, Form::Within(Duration::from_secs(50))] {
        receives_in_a_storm(connect(), form);
        sends_in_a_storm(connect(), form);
    }
    deadlines_hold_in_a_storm(&connect());
}

fn receives_in_a_storm(ends: Ends, form: Form) {
    let (peer, receiver) = ends.sending_peer(|sender| {
        for chunk in 0..CHUNKS {
            sleep(PAUSE);
            send_all(sender, &pattern(chunk * CHUNK, CHUNK)).unwrap();
        }
    });
    let storm = Storm::start();
    let received = receive_all(&*receiver, form);
    assert!(storm.caught() > 10, "only {} signals came", storm.caught());
    drop(storm);
    assert!(received == pattern(0, CHUNKS * CHUNK), "nothing lost, nothing twice");
    peer.join();
}

fn receive_all(receiver: &dyn Receiver, form: Form) -> Vec<u8> {
    let mut received = Vec::new();
    let mut buffer = [0; CHUNK];
    while received.len() < CHUNKS * CHUNK {
        let count = receiver.receive(&mut buffer, form).expect("a signal is no error").expect("no end yet");
        received.extend_from_slice(&buffer[..count]);
    }
    received
}

fn sends_in_a_storm(ends: Ends, form: Form) {
    let (peer, sender) = ends.receiving_peer(|receiver| {
        for chunk in 0..CHUNKS {
            sleep(PAUSE);
            assert!(receive_exactly(receiver, CHUNK) == pattern(chunk * CHUNK, CHUNK), "chunk {chunk}");
        }
    });
    let storm = Storm::start();
    for chunk in 0..CHUNKS {
        send_whole(&*sender, &pattern(chunk * CHUNK, CHUNK), form);
    }
    assert!(storm.caught() > 10, "only {} signals came", storm.caught());
    drop(storm);
    peer.join();
}

/// A signal in the middle of a write to a stream ends it early, with the count of what went in.
fn send_whole(sender: &dyn Sender, message: &[u8], form: Form) {
    let mut rest = message;
    while !rest.is_empty() {
        rest = &rest[sender.send(rest, form).expect("a signal is no error")..];
    }
}

fn deadlines_hold_in_a_storm(ends: &Ends) {
    let storm = Storm::start();
    let start = Instant::now();
    let error = ends.receiver.receive(&mut [0; 16], Form::Within(DEADLINE)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(start.elapsed() >= DEADLINE, "after {:?} already", start.elapsed());
    assert!(storm.caught() > 10, "only {} signals came", storm.caught());
}
