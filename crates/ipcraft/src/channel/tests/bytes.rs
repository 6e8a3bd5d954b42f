//! Both ends in one process.

#![allow(unsafe_code)]

use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::ErrorKind;
use crate::channel::WaitStrategy;
use crate::channel::ring::record;
use crate::channel::shared::atomic::AtomicU64;
use crate::channel::spsc::bytes::*;

/// In words; the ends of what the positions can be, among others.
const STARTS: [u64; 4] = [0, (1 << 32) - 9, (1 << 63) - 9, u64::MAX - 9];

const WAITINGS: [WaitStrategy; 2] = [WaitStrategy::Adaptive, WaitStrategy::Block];

fn made(capacity: usize, start: u64) -> (Channel, Sender, Receiver) {
    let channel = Options::new().capacity(capacity).initial_position(start).anonymous().unwrap();
    let (sender, receiver) = (channel.sender().unwrap(), channel.receiver().unwrap());
    (channel, sender, receiver)
}

/// Bytes that identify the record, and each its index in it.
fn pattern(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| ((number * 131 + i * 7) % 251) as u8).collect()
}

/// Lengths up to `most`, in no order.
fn length(number: usize, most: usize) -> usize {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    // Every other one is small.
    let most = if number.is_multiple_of(2) { most.min(60) } else { most };
    mixed as usize % (most + 1)
}

#[test]
fn records_of_every_length_arrive_in_order() {
    for start in STARTS {
        let (_channel, mut tx, mut rx) = made(2048, start);
        let (mut record, mut array) = (Vec::new(), [0; 2048]);
        for number in 0..=tx.max_message_len() {
            let sent = pattern(number, number);
            tx.send(&sent).unwrap();
            assert_eq!(rx.recv(&mut record).unwrap(), number);
            assert_eq!(record, sent);
            tx.try_send(&sent).unwrap();
            assert_eq!(rx.recv_into(&mut array).unwrap(), number);
            assert_eq!(array[..number], sent);
            let mut loan = tx.loan(number).unwrap();
            loan.write_at(0, &sent).unwrap();
            loan.commit();
            assert_eq!(rx.recv_in_place().unwrap().to_vec(), sent);
        }
    }
}

#[test]
fn as_many_as_fit_arrive_in_order() {
    for start in STARTS {
        let (_channel, mut tx, mut rx) = made(1024, start);
        let mut record = Vec::new();
        let (mut sent, mut received) = (0, 0);
        while received < 5000 {
            let full = loop {
                match tx.try_send(&pattern(sent, length(sent, 448))) {
                    Ok(()) => sent += 1,
                    Err(e) => break e,
                }
            };
            assert_eq!(full.kind(), ErrorKind::Full);
            // At least one, and at times not all.
            for _ in 0..(sent - received).min(1 + sent % 5) {
                let wanted = pattern(received, length(received, 448));
                assert_eq!(rx.try_recv(&mut record).unwrap(), wanted.len());
                assert_eq!(record, wanted);
                received += 1;
            }
        }
    }
}

#[test]
fn a_record_that_is_as_long_as_can_be_has_room_wherever_the_last_one_ended() {
    for end in 0..128 {
        let (_channel, mut tx, mut rx) = made(1024, end);
        let sent = pattern(1, tx.max_message_len());
        assert_eq!(sent.len(), 448);
        tx.try_send(&sent).unwrap();
        assert_eq!(rx.try_recv_in_place().unwrap().to_vec(), sent);
    }
}

#[test]
fn invalid_calls_return_the_reason() {
    let (channel, mut tx, mut rx) = made(100, 0);
    assert_eq!((channel.capacity(), channel.max_message_len(), tx.max_message_len()), (256, 64, 64));
    let mut record = b"untouched".to_vec();
    assert_eq!(rx.try_recv(&mut record).unwrap_err().kind(), ErrorKind::Empty);
    assert_eq!(rx.try_recv_in_place().unwrap_err().kind(), ErrorKind::Empty);
    let began = Instant::now();
    let wait = Duration::from_millis(5);
    assert_eq!(rx.recv_timeout(&mut record, wait).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(rx.recv_into_timeout(&mut record, wait).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(began.elapsed() >= 2 * wait);
    assert_eq!(record, b"untouched");

    let too_large = tx.send(&[0; 65]).unwrap_err();
    assert_eq!(too_large.kind(), ErrorKind::TooLarge);
    assert_eq!(too_large.limit().map(|limit| (limit.value, limit.requested)), Some((64, Some(65))));
    assert_eq!(tx.loan(65).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(tx.try_loan(usize::MAX).unwrap_err().kind(), ErrorKind::TooLarge);
    let data_area = [IoSlice::new(&[0; 40]), IoSlice::new(&[0; 40])];
    assert_eq!(tx.send_vectored(&data_area).unwrap_err().kind(), ErrorKind::TooLarge);

    for _ in 0..3 {
        tx.send(&[7; 64]).unwrap();
    }
    assert_eq!(tx.try_send(&[8; 40]).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(tx.try_loan(40).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(tx.send_timeout(&[8; 40], wait).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(tx.loan_timeout(40, wait).unwrap_err().kind(), ErrorKind::TimedOut);

    let mut small = [1; 63];
    for _ in 0..2 {
        let too_large = rx.recv_into(&mut small).unwrap_err();
        assert_eq!(too_large.kind(), ErrorKind::TooLarge);
        assert_eq!(too_large.limit().map(|limit| (limit.value, limit.requested)), Some((63, Some(64))));
        assert_eq!(small, [1; 63]);
    }
    assert_eq!(rx.recv(&mut record).unwrap(), 64);
    assert_eq!(record, [7; 64]);

    assert_eq!(channel.sender().unwrap_err().kind(), ErrorKind::InUse);
    assert_eq!(channel.receiver().unwrap_err().kind(), ErrorKind::InUse);
    drop(tx);
    assert_eq!(rx.iter().map(Result::unwrap).count(), 2);
    assert_eq!(rx.recv(&mut record).unwrap_err().kind(), ErrorKind::Disconnected);
    assert_eq!(rx.try_recv(&mut record).unwrap_err().kind(), ErrorKind::Disconnected);
    let mut tx = channel.sender().unwrap();
    tx.send(b"of another sender").unwrap();
    drop(rx);
    assert_eq!(tx.send(b"").unwrap_err().kind(), ErrorKind::Disconnected);
    assert_eq!(tx.try_loan(1).unwrap_err().kind(), ErrorKind::Disconnected);
    let mut rx = channel.receiver().unwrap();
    assert_eq!(rx.recv(&mut record).unwrap(), 17);
}

#[test]
fn a_loan_can_be_given_up_or_sent_in_part() {
    let (_channel, mut tx, mut rx) = made(4096, 0);
    for number in 0..1000 {
        let most = length(number, tx.max_message_len());
        let part = length(number + 7, most);
        let mut given_up = tx.loan(most).unwrap();
        given_up.fill(0xee);
        drop(given_up);
        assert_eq!(rx.try_recv_in_place().unwrap_err().kind(), ErrorKind::Empty);
        let sent = pattern(number, most);
        let mut loan = tx.loan(most).unwrap();
        assert_eq!(loan.len(), most);
        loan.write_at(0, &sent).unwrap();
        loan.commit_len(part).unwrap();
        tx.send(b"next").unwrap();
        assert_eq!(rx.recv_in_place().unwrap().to_vec(), sent[..part]);
        assert_eq!(rx.recv_in_place().unwrap().to_vec(), b"next");
    }
    assert_eq!(tx.loan(8).unwrap().commit_len(9).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(rx.try_recv_in_place().unwrap_err().kind(), ErrorKind::Empty);
}

#[test]
fn send_all_and_for_each_available_transfer_all_records() {
    let (_channel, mut tx, mut rx) = made(1024, u64::MAX - 3);
    let records: Vec<_> = (0..500).map(|number| pattern(number, length(number, 400))).collect();
    let (mut sent, mut received) = (0, Vec::new());
    while sent < records.len() {
        match tx.try_send_all(&records[sent..]) {
            Ok(()) => sent = records.len(),
            Err(stopped) => {
                assert_eq!(stopped.kind(), ErrorKind::Full);
                sent += stopped.sent();
            }
        }
        let before = received.len();
        let count = rx.for_each_available(|record| received.push(record.to_vec())).unwrap();
        assert_eq!(before + count, received.len());
        assert_eq!(received.len(), sent);
    }
    assert_eq!(received, records);
    assert_eq!(rx.for_each_available(|_| unreachable!()).unwrap(), 0);

    let stopped = tx.send_all(&[&[1; 3][..], &[2; 449], &[3; 3]]).unwrap_err();
    assert_eq!((stopped.kind(), stopped.sent()), (ErrorKind::TooLarge, 1));
    let stopped = tx.try_send_all(&[&[2; 449][..]]).unwrap_err();
    assert_eq!((stopped.kind(), stopped.sent()), (ErrorKind::TooLarge, 0));
    tx.send_all(&["two", "three"]).unwrap();
    let mut seen = 0;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        rx.for_each_available(|_| {
            seen += 1;
            assert!(seen < 3, "on purpose");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(rx.recv_in_place().unwrap().to_vec(), b"three");
    assert_eq!(rx.try_recv_in_place().unwrap_err().kind(), ErrorKind::Empty);
}

#[test]
fn parts_make_one_record() {
    let (_channel, mut tx, mut rx) = made(1024, 0);
    let data_area = [IoSlice::new(b"a"), IoSlice::new(b""), IoSlice::new(&[7; 300])];
    tx.send_vectored(&data_area).unwrap();
    tx.try_send_vectored(&[]).unwrap();
    tx.send_vectored_timeout(&data_area[..1], Duration::ZERO).unwrap();
    let records: Vec<_> = (0..3).map(|_| rx.recv_in_place().unwrap().to_vec()).collect();
    assert_eq!(records[0].len(), 301);
    assert_eq!(records[1..], [b"".to_vec(), b"a".to_vec()]);
}

#[test]
fn threads_exchange() {
    const COUNT: usize = 20_000;
    for waiting in WAITINGS {
        for most in [40, 2000] {
            let ((mut tx, mut rx), (mut replies, mut back)) =
                (channel(8192).unwrap(), channel(8192).unwrap());
            for end in [&mut tx, &mut replies] {
                end.set_wait_strategy(waiting);
            }
            for end in [&mut rx, &mut back] {
                end.set_wait_strategy(waiting);
            }
            let echo = thread::spawn(move || {
                let mut record = Vec::new();
                while rx.recv(&mut record).is_ok() {
                    replies.send(&record).unwrap();
                }
            });
            let mut record = Vec::new();
            for number in 0..COUNT {
                let sent = pattern(number, length(number, most));
                tx.send(&sent).unwrap();
                back.recv(&mut record).unwrap();
                assert_eq!(record, sent, "{number}");
            }
            drop(tx);
            echo.join().unwrap();
        }
    }
}

#[test]
fn threads_stream() {
    const COUNT: usize = 50_000;
    for waiting in WAITINGS {
        let (mut tx, mut rx) = channel(4096).unwrap();
        tx.set_wait_strategy(waiting);
        rx.set_wait_strategy(waiting);
        let sender = thread::spawn(move || {
            for number in 0..COUNT {
                tx.send(&pattern(number, length(number, 1000))).unwrap();
            }
        });
        let mut count = 0;
        for record in &mut rx {
            assert_eq!(record.unwrap(), pattern(count, length(count, 1000)), "{count}");
            count += 1;
        }
        assert_eq!(count, COUNT);
        sender.join().unwrap();
    }
}

#[test]
fn an_end_moves_by_its_descriptor() {
    let (tx, mut rx) = channel(1024).unwrap();
    let fd = tx.into_fd().unwrap();
    assert_eq!(rx.try_recv_in_place().unwrap_err().kind(), ErrorKind::Empty);
    let mut tx = Sender::from_fd(fd).unwrap();
    tx.send(b"moved").unwrap();
    assert_eq!(rx.recv_in_place().unwrap().to_vec(), b"moved");
    let fd = rx.into_fd().unwrap();
    assert_eq!(Sender::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(tx.send(b"").unwrap_err().kind(), ErrorKind::Disconnected);
}

/// The words of a channel's records.
fn memory(channel: &Channel) -> &[AtomicU64] {
    let start = channel.region.data_area().at(0, channel.capacity()).unwrap();
    // SAFETY: because the memory is mapped while the channel is borrowed, and any bytes are
    // valid for atomics.
    unsafe { std::slice::from_raw_parts(start.cast().as_ptr(), channel.capacity() / record::WORD) }
}

#[test]
fn a_record_that_was_written_over_is_refused_and_stays() {
    let (channel, mut tx, mut rx) = made(1024, 0);
    tx.send(&[1; 100]).unwrap();
    let word = &memory(&channel)[0];
    let right = word.load(Relaxed);
    for wrong in [0, u64::MAX, right + 1, right ^ 1 << 63, right.rotate_left(8)] {
        word.store(wrong, Relaxed);
        for _ in 0..2 {
            assert_eq!(rx.recv(&mut Vec::new()).unwrap_err().kind(), ErrorKind::Corrupted);
            assert_eq!(rx.try_recv_in_place().unwrap_err().kind(), ErrorKind::Corrupted);
            assert_eq!(rx.for_each_available(|_| unreachable!()).unwrap_err().kind(), ErrorKind::Corrupted);
        }
    }
    word.store(right, Relaxed);
    assert_eq!(rx.recv_in_place().unwrap().to_vec(), [1; 100]);
}

#[test]
fn positions_that_cannot_be_are_refused() {
    let (channel, mut tx, mut rx) = made(1024, 0);
    // SAFETY: because the region is kept by `channel`.
    let control = unsafe { channel.region.control(0).as_ref() };
    control.senders.position.store(129, Relaxed);
    assert_eq!(rx.try_recv(&mut Vec::new()).unwrap_err().kind(), ErrorKind::Corrupted);
    control.receivers.position.store(1 << 40, Relaxed);
    let sent = (0..100).find_map(|_| tx.try_send(&[0; 100]).err()).unwrap();
    assert_eq!(sent.kind(), ErrorKind::Corrupted);
    control.senders.position.store(0, Relaxed);
    drop(tx);
    assert_eq!(channel.sender().unwrap_err().kind(), ErrorKind::Corrupted);
}

/// Both endpoints continue, with errors or odd records, after any write to the memory.
#[test]
fn recv_while_the_memory_is_overwritten_returns() {
    let (channel, mut tx, mut rx) = made(1024, 0);
    let mut random = 1_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 11 ^ random << 40
    };
    let (mut corrupted, mut odd) = (0, 0);
    for round in 0..3000 {
        for number in 0..8 {
            let _ = tx.try_send(&pattern(number, length(number, 400)));
        }
        // SAFETY: because the region is kept by `channel`.
        let control = unsafe { channel.region.control(0).as_ref() };
        for _ in 0..4 {
            memory(&channel)[next() as usize % 128].store(next(), Relaxed);
        }
        if round % 3 == 0 {
            control.senders.position.store(next() % 300, Relaxed);
            control.senders.inline_tag.store(next(), Relaxed);
            control.receivers.position.store(next() % 300, Relaxed);
            control.items.status.request_inline(next() & 1 == 1);
        }
        for _ in 0..20 {
            match rx.try_recv(&mut Vec::new()) {
                Ok(length) => odd += usize::from(length > 0),
                Err(e) if e.kind() == ErrorKind::Corrupted => corrupted += 1,
                Err(_) => {}
            }
            let _ = rx.for_each_available(|record| assert!(record.len() <= 448));
        }
        if round % 10 == 0 {
            // Successors continue with what is in the channel.
            drop((tx, rx));
            control.senders.position.store(0, Relaxed);
            control.receivers.position.store(0, Relaxed);
            (tx, rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        }
    }
    assert!(corrupted > 100 && odd > 100, "{corrupted} {odd}");
}
