//! Messages: types, lengths and lifetime.

use ipcraft::ErrorKind;
use ipcraft::queue::sysv::{Queue, Selector};
use ipcraft_tests::namespace::{set_limit, with_own_ipc};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::pattern;
use ipcraft_tests::suite::{Outcome, serial_test};

use crate::{kind_of, queue};

#[serial_test]
fn message_of_any_length_arrives_unchanged() {
    let queue = queue();
    // Every length around the words of the kernel's structure, and the maximum.
    for length in (0..=33).chain([8191, 8192]) {
        let sent = pattern(length, length);
        queue.send(length as i64 + 1, &sent).unwrap();
        let received = queue.recv_message(Selector::First).unwrap();
        assert_eq!(received.kind, length as i64 + 1);
        assert!(received.bytes == sent, "{length} bytes");
    }
}

#[serial_test]
fn empty_message_is_delivered_with_its_type() {
    let queue = queue();
    queue.send(9, b"").unwrap();
    assert_eq!(queue.statistics().unwrap().messages, 1);
    assert_eq!(queue.recv(Selector::First, &mut []).unwrap(), (0, 9));
}

#[serial_test]
fn send_with_nonpositive_type_is_rejected() {
    let queue = queue();
    for kind in [0, -1, i64::MIN] {
        assert_eq!(kind_of(queue.send(kind, b"x")), ErrorKind::Invalid, "{kind}");
        assert_eq!(kind_of(queue.try_send(kind, b"x")), ErrorKind::Invalid, "{kind}");
    }
    queue.send(i64::MAX, b"x").unwrap();
    assert_eq!(queue.recv_message(Selector::First).unwrap().kind, i64::MAX);
}

#[serial_test]
fn send_above_msgmax_returns_too_large() {
    let queue = queue();
    let max = usize::try_from(ipcraft::queue::sysv::usage().unwrap().max_message).unwrap();
    let error = queue.send(1, &vec![0; max + 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    let limit = *error.limit().unwrap();
    assert_eq!(limit.name(), "/proc/sys/kernel/msgmax");
    assert_eq!((limit.value(), limit.requested()), (max as u64, Some(max as u64 + 1)));
    assert_eq!(kind_of(queue.try_send(1, &vec![0; 1 << 20])), ErrorKind::TooLarge);
    assert_eq!(queue.statistics().unwrap().messages, 0);
}

#[serial_test]
fn recv_into_short_buffer_fails_and_keeps_the_message() {
    let queue = queue();
    queue.send(1, b"four").unwrap();
    for length in [0, 3] {
        let error = queue.recv(Selector::First, &mut vec![0; length]).unwrap_err();
        assert_eq!((error.kind(), error.errno()), (ErrorKind::TooLarge, Some(libc::E2BIG)), "{error}");
        assert_eq!(error.limit().unwrap().value(), length as u64);
    }
    assert_eq!(queue.recv(Selector::First, &mut [0; 4]).unwrap(), (4, 1));
}

#[serial_test]
fn recv_truncated_discards_the_rest() {
    let queue = queue();
    for _ in 0..3 {
        queue.send(1, b"first part, second part").unwrap();
    }
    let mut buffer = *b"..............";
    assert_eq!(queue.recv_truncated(Selector::First, &mut buffer[..10]).unwrap(), (10, 1));
    assert_eq!(&buffer, b"first part....");
    assert_eq!(queue.try_recv_truncated(Selector::Type(1), &mut buffer[..1]).unwrap(), (1, 1));
    let no_time = std::time::Duration::ZERO;
    assert_eq!(queue.recv_truncated_timeout(Selector::First, &mut [], no_time).unwrap(), (0, 1));
    assert_eq!(
        kind_of(queue.try_recv_truncated(Selector::First, &mut buffer)),
        ErrorKind::Empty,
        "the rest is lost"
    );
}

#[serial_test]
fn recv_into_long_buffer_writes_the_message_only() {
    let queue = queue();
    for length in [8191, 8192, 8193, 1 << 20] {
        queue.send(1, &pattern(length, 100)).unwrap();
        let mut buffer = vec![0; length];
        assert_eq!(queue.recv(Selector::First, &mut buffer).unwrap(), (100, 1));
        assert!(buffer[..100] == pattern(length, 100) && buffer[100] == 0);
        queue.send(1, b"cut?").unwrap();
        assert_eq!(queue.recv_truncated(Selector::First, &mut buffer).unwrap(), (4, 1));
    }
}

#[serial_test]
fn message_survives_exit_of_the_sender() {
    let queue = queue();
    Peer::start(|| queue.send(5, b"from an exited sender").unwrap()).join();
    assert_eq!(queue.recv_message(Selector::First).unwrap().bytes, b"from an exited sender");
}

#[serial_test]
fn message_above_default_maximum_is_received_whole() -> Outcome {
    with_own_ipc(|| {
        set_limit("/proc/sys/kernel/msgmax", "100000");
        set_limit("/proc/sys/kernel/msgmnb", "200000");
        let queue = queue();
        let sent = pattern(0, 100_000);
        let mut buffer = vec![0; 100_000];
        type Receive = fn(&Queue, &mut [u8]) -> ipcraft::Result<(usize, i64)>;
        let receivers: [Receive; 3] = [
            |queue, buffer| queue.recv(Selector::Type(2), buffer),
            |queue, buffer| queue.recv_truncated(Selector::Type(2), buffer),
            |queue, buffer| queue.copy(0, buffer),
        ];
        for receive in receivers {
            queue.send(2, &sent).unwrap();
            assert_eq!(kind_of(queue.recv(Selector::First, &mut buffer[..99_999])), ErrorKind::TooLarge);
            assert_eq!(receive(&queue, &mut buffer).unwrap(), (100_000, 2));
            assert!(buffer == sent);
            buffer.fill(0);
        }
        assert!(queue.recv_message(Selector::First).unwrap().bytes == sent);
    })
}
