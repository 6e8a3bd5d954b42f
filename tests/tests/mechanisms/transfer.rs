//! What goes in comes out: in order, whole, between two processes.

use ipcraft_tests::subject::{Ends, Form, Subject, pattern, receive_exactly, send_all};

/// Few enough that the shortest queue, that of a bound datagram socket, holds them.
const BATCH: usize = 8;

pub(crate) fn order(subject: &Subject, connect: &dyn Fn() -> Ends) {
    let ends = connect();
    let messages: Vec<Vec<u8>> = (1..=25 * BATCH).map(|number| vec![number as u8; number]).collect();
    for batch in messages.chunks(BATCH) {
        for message in batch {
            assert_eq!(ends.sender.send(message, Form::Wait).unwrap(), message.len());
        }
        for message in batch {
            assert_eq!(recv_message(subject, &ends, message.len()), *message);
        }
    }
}

/// A record comes in one piece however large the buffer is; of a stream, as much comes as is asked
/// for.
fn recv_message(subject: &Subject, ends: &Ends, length: usize) -> Vec<u8> {
    if !subject.records {
        return receive_exactly(&*ends.receiver, length);
    }
    let mut buffer = vec![0; length + 1];
    let count = ends.receiver.receive(&mut buffer, Form::Wait).unwrap();
    buffer.truncate(count.expect("a record"));
    buffer
}

/// An empty message is a record like any other, and to a stream it is nothing at all; it is never
/// the end.
pub(crate) fn nothing(subject: &Subject, connect: &dyn Fn() -> Ends) {
    let ends = connect();
    for form in Form::ALL {
        assert_eq!(ends.sender.send(b"", form).unwrap(), 0, "{form:?}");
        if subject.records {
            assert_eq!(ends.receiver.receive(&mut [0; 16], form).unwrap(), Some(0), "{form:?}");
        }
        ends.sender.send(b"something", form).unwrap();
        assert_eq!(ends.receiver.receive(&mut [0; 16], form).unwrap(), Some(9), "{form:?}");
    }
}

pub(crate) fn two_processes(subject: &Subject, connect: &dyn Fn() -> Ends) {
    const TOTAL: usize = 8 << 20;
    let (peer, receiver) = connect().sending_peer(|sender| {
        let mut sent = 0;
        while sent < TOTAL {
            // Lengths that fit neither pages nor each other.
            let length = (1 + sent % 4099).min(TOTAL - sent);
            send_all(sender, &pattern(sent, length)).unwrap();
            sent += length;
        }
    });
    assert!(receive_exactly(&*receiver, TOTAL) == pattern(0, TOTAL), "every byte of {TOTAL} as it was sent");
    peer.join();
    if subject.ends {
        assert_eq!(receiver.receive(&mut [0; 16], Form::Wait).unwrap(), None, "and none more");
    }
}
