//! Messages: their order, their sizes, and that they stay.

use ipcraft::ErrorKind;
use ipcraft::queue::posix::PRIORITIES;
use ipcraft_tests::peer::Peer;

use crate::{kind_of, small_queue};

pub(crate) fn come_by_priority_and_then_by_age() {
    let (queue, _) = small_queue();
    for (message, priority) in [("b1", 1), ("a", 0), ("b2", 1), ("c", 7)] {
        queue.send(message.as_bytes(), priority).unwrap();
    }
    let received: Vec<_> = queue.drain().map(|message| message.unwrap()).collect();
    let received: Vec<_> = received.iter().map(|m| (m.bytes.as_slice(), m.priority)).collect();
    assert_eq!(received, [(&b"c"[..], 7), (b"b1", 1), (b"b2", 1), (b"a", 0)]);
}

pub(crate) fn of_the_highest_priority_and_no_higher() {
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

pub(crate) fn may_be_empty() {
    let (queue, _) = small_queue();
    queue.send(b"", 2).unwrap();
    assert_eq!(queue.recv(&mut [0; 64]).unwrap(), (0, 2));
}

pub(crate) fn that_are_too_large_are_refused() {
    let (queue, name) = small_queue();
    let text = format!(
        "mq_send {name}: the message is too large (EMSGSIZE): 65 needed, the queue's message size is 64"
    );
    assert_eq!(queue.send(&[0; 65], 0).unwrap_err().to_string(), text);
    assert_eq!(kind_of(queue.try_send(&[0; 65], 0)), ErrorKind::TooLarge);
    assert_eq!(queue.attributes().unwrap().messages, 0);
    queue.send(&[0; 64], 0).unwrap();
}

pub(crate) fn need_a_buffer_of_the_full_size() {
    let (queue, _) = small_queue();
    queue.send(b"short", 0).unwrap();
    let error = queue.recv(&mut [0; 63]).unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Invalid, Some(libc::EMSGSIZE)), "{error}");
    let limit = *error.limit().unwrap();
    assert_eq!((limit.value(), limit.requested()), (63, Some(64)));
    assert_eq!(kind_of(queue.try_recv(&mut [])), ErrorKind::Invalid);
    assert_eq!(queue.recv(&mut [0; 100]).unwrap(), (5, 0), "nothing was taken");
}

pub(crate) fn are_drained_until_none_is_left() {
    let (queue, _) = small_queue();
    assert_eq!(queue.drain().count(), 0);
    for number in 0..3 {
        queue.send(&[number], 0).unwrap();
    }
    let drained: Vec<u8> = queue.drain().map(|message| message.unwrap().bytes[0]).collect();
    assert_eq!(drained, [0, 1, 2]);
}

pub(crate) fn are_kept_when_nobody_is_there() {
    let (queue, _) = small_queue();
    Peer::start(|| queue.send(b"from one who is gone", 5).unwrap()).join();
    assert_eq!(queue.recv_message().unwrap().bytes, b"from one who is gone");
}
