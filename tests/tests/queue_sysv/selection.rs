//! Selection of the message to receive.

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Queue, Selector};
use ipcraft_tests::suite::serial_test;

use crate::{kind_of, queue};

/// A queue with messages of these types; each message contains its position.
fn filled(kinds: &[i64]) -> Queue {
    let queue = queue();
    for (position, &kind) in kinds.iter().enumerate() {
        queue.send(kind, &[position as u8]).unwrap();
    }
    queue
}

fn next(queue: &Queue, which: Selector) -> Option<u8> {
    match queue.try_recv_message(which) {
        Ok(message) => Some(message.bytes[0]),
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::Empty, "{e}");
            None
        }
    }
}

fn all(queue: &Queue, which: Selector) -> Vec<u8> {
    std::iter::from_fn(|| next(queue, which)).collect()
}

#[serial_test]
fn recv_selects_by_age_or_by_type() {
    const KINDS: [i64; 6] = [3, 1, 2, 3, 1, 7];
    assert_eq!(all(&filled(&KINDS), Selector::First), [0, 1, 2, 3, 4, 5]);
    assert_eq!(all(&filled(&KINDS), Selector::Type(3)), [0, 3]);
    assert_eq!(all(&filled(&KINDS), Selector::UpTo(3)), [1, 4, 2, 0, 3], "the lowest type first");
    assert_eq!(all(&filled(&KINDS), Selector::Except(3)), [1, 2, 4, 5]);
    assert_eq!(all(&filled(&[1, i64::MAX]), Selector::Type(i64::MAX)), [1]);
    assert_eq!(all(&filled(&[i64::MAX, 1]), Selector::UpTo(i64::MAX)), [1, 0]);
}

#[serial_test]
fn recv_of_absent_type_returns_empty() {
    let queue = filled(&[5]);
    for which in [Selector::Type(4), Selector::UpTo(4), Selector::Except(5)] {
        let error = queue.try_recv(which, &mut [0; 8]).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Empty, Some(libc::ENOMSG)), "{which:?}");
    }
}

#[serial_test]
fn recv_of_nonpositive_type_is_rejected() {
    let queue = filled(&[5]);
    for which in [Selector::Type(0), Selector::Type(-1), Selector::UpTo(0), Selector::Except(i64::MIN)] {
        assert_eq!(kind_of(queue.recv(which, &mut [0; 8])), ErrorKind::Invalid, "{which:?}");
        assert_eq!(kind_of(queue.try_recv(which, &mut [0; 8])), ErrorKind::Invalid, "{which:?}");
    }
}

#[serial_test]
fn copy_leaves_the_message_in_the_queue() {
    let queue = filled(&[3, 1]);
    let mut buffer = [0; 8];
    match queue.copy(1, &mut buffer) {
        // The configuration of the kernel decides.
        Err(e) if e.kind() == ErrorKind::Unsupported => return assert_eq!(e.errno(), Some(libc::ENOSYS)),
        copied => assert_eq!((copied.unwrap(), buffer[0]), ((1, 1), 1)),
    }
    assert_eq!((queue.copy(0, &mut buffer).unwrap(), buffer[0]), ((1, 3), 0));
    assert_eq!(kind_of(queue.copy(2, &mut buffer)), ErrorKind::Empty);
    assert_eq!(kind_of(queue.copy(usize::MAX, &mut buffer)), ErrorKind::Empty);
    assert_eq!(kind_of(queue.copy(0, &mut [])), ErrorKind::TooLarge);
    assert_eq!(all(&queue, Selector::First), [0, 1], "the messages are still there");
}
