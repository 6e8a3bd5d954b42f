//! Messages: order, size and lifetime.

use ipcraft::ErrorKind;
use ipcraft::queue::posix::{PRIORITIES, Queue};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;

use crate::{kind_of, small_queue};

#[serial_test]
fn recv_returns_highest_priority_then_oldest() {
    let (queue, _) = small_queue();
    for (message, priority) in [("b1", 1), ("a", 0), ("b2", 1), ("c", 7)] {
        queue.send(message.as_bytes(), priority).unwrap();
    }
    let received: Vec<_> = queue.drain().map(|message| message.unwrap()).collect();
    let received: Vec<_> = received.iter().map(|m| (m.bytes.as_slice(), m.priority)).collect();
    assert_eq!(received, [(&b"c"[..], 7), (b"b1", 1), (b"b2", 1), (b"a", 0)]);
}

#[serial_test]
fn send_with_priority_above_maximum_is_rejected() {
    let (queue, _) = small_queue();
    queue.send(b"highest", PRIORITIES - 1).unwrap();
    for result in [queue.send(b"higher", PRIORITIES), queue.try_send(b"higher", u32::MAX)] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.limit().unwrap().value(), 32_767);
    }
    assert_eq!(queue.recv(&mut [0; 64]).unwrap(), (7, 32_767));
    assert_eq!(kind_of(queue.try_recv_message()), ErrorKind::Empty);
}

#[serial_test]
fn empty_message_is_delivered_with_its_priority() {
    let (queue, _) = small_queue();
    queue.send(b"", 2).unwrap();
    assert_eq!(queue.recv(&mut [0; 64]).unwrap(), (0, 2));
}

#[serial_test]
fn send_above_message_size_returns_too_large() {
    let (queue, name) = small_queue();
    let text = format!(
        "mq_send {name}: the message is too large (EMSGSIZE): 65 needed, the queue's message size is 64"
    );
    assert_eq!(queue.send(&[0; 65], 0).unwrap_err().to_string(), text);
    assert_eq!(kind_of(queue.try_send(&[0; 65], 0)), ErrorKind::TooLarge);
    assert_eq!(queue.attributes().unwrap().messages, 0);
    queue.send(&[0; 64], 0).unwrap();
}

#[serial_test]
fn recv_into_short_buffer_fails_and_keeps_the_message() {
    let (queue, _) = small_queue();
    queue.send(b"short", 0).unwrap();
    let error = queue.recv(&mut [0; 63]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EMSGSIZE)), "{error}");
    let limit = *error.limit().unwrap();
    assert_eq!((limit.value(), limit.requested()), (63, Some(64)));
    assert_eq!(kind_of(queue.try_recv(&mut [])), ErrorKind::Invalid);
    assert_eq!(queue.recv(&mut [0; 100]).unwrap(), (5, 0), "the message is still there");
}

#[serial_test]
fn drain_returns_all_messages_and_ends() {
    let (queue, _) = small_queue();
    assert_eq!(queue.drain().count(), 0);
    for number in 0..3 {
        queue.send(&[number], 0).unwrap();
    }
    let drained: Vec<u8> = queue.drain().map(|message| message.unwrap().bytes[0]).collect();
    assert_eq!(drained, [0, 1, 2]);
}

#[serial_test]
fn message_survives_exit_of_the_sender() {
    let (queue, _) = small_queue();
    Peer::start(|| queue.send(b"from an exited sender", 5).unwrap()).join();
    assert_eq!(queue.recv_message().unwrap().bytes, b"from an exited sender");
}

#[serial_test]
fn drain_ends_with_what_was_there_while_a_producer_is_faster() {
    let (queue, name) = small_queue();
    let producer = Peer::start(|| {
        let queue = Queue::open(&name).unwrap();
        loop {
            queue.send(b"more", 0).unwrap();
        }
    });
    while queue.attributes().unwrap().messages < 4 {
        std::thread::yield_now();
    }
    let mut taken = 0;
    for message in queue.drain().take(100) {
        message.unwrap();
        taken += 1;
        // The producer fills the place that became free.
        while queue.attributes().unwrap().messages < 4 {
            std::thread::yield_now();
        }
    }
    assert_eq!(taken, 4);
    producer.kill();
}
