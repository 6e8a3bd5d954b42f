//! Tests of `spsc`.

#![allow(unsafe_code)]

use crate::ErrorKind;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;

use crate::channel::spsc::*;
use std::time::{Duration, Instant};

#[test]
fn send_and_recv_keep_order_until_disconnected() {
    for start in [0, u32::MAX as u64 - 5, u64::MAX - 5, u64::MAX / 2 - 5] {
        let channel = Options::<u64>::new().capacity(4).initial_position(start).anonymous().unwrap();
        let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        for i in 0..20 {
            tx.send(i).unwrap();
            tx.try_send(i + 100).unwrap();
            assert_eq!(rx.recv().unwrap(), i);
            assert_eq!(rx.try_recv().unwrap(), i + 100);
        }
        for i in 0..4 {
            tx.try_send(i).unwrap();
        }
        let full = tx.try_send(9).unwrap_err();
        assert_eq!((full.kind(), full.into_message()), (ErrorKind::Full, 9));
        let began = Instant::now();
        assert_eq!(tx.send_timeout(9, Duration::from_millis(5)).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() >= Duration::from_millis(5));
        drop(tx);
        assert_eq!(rx.iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(rx.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        let mut tx = channel.sender().unwrap();
        assert_eq!(channel.sender().unwrap_err().kind(), ErrorKind::InUse);
        tx.send_all(&[5, 6, 7]).unwrap();
        assert_eq!(rx.drain().map(Result::unwrap).collect::<Vec<_>>(), [5, 6, 7]);
        drop(rx);
        for _ in 0..3 {
            assert_eq!(tx.send(1).unwrap_err().kind(), ErrorKind::Disconnected);
            assert_eq!(tx.try_send(1).unwrap_err().kind(), ErrorKind::Disconnected);
        }
        let mut rx = channel.receiver().unwrap();
        tx.send(8).unwrap();
        assert_eq!(rx.recv().unwrap(), 8);
    }
}

#[test]
fn try_send_all_of_bool_sends_what_fits() {
    let (mut tx, mut rx) = channel::<bool>(4).unwrap();
    tx.try_send_all(&[true, false, true]).unwrap();
    let full = tx.try_send_all(&[false, true]).unwrap_err();
    assert_eq!((full.kind(), full.sent()), (ErrorKind::Full, 1));
    assert_eq!(rx.drain().map(Result::unwrap).collect::<Vec<_>>(), [true, false, true, false]);
}

#[test]
fn send_all_after_the_receiver_left_without_notice_returns_disconnected() {
    for length in [1, 10, 64, 100, 300] {
        let channel = Options::<u64>::new().capacity(1 << 20).anonymous().unwrap();
        let (mut tx, rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        // It leaves as one that is killed does, without a word.
        let fd = rx.into_fd().unwrap();
        tx.send(7).unwrap();
        drop(fd);
        let mut sent = 0;
        let refused = loop {
            match tx.send_all(&vec![7; length]) {
                Ok(()) => sent += length,
                Err(e) => break e,
            }
            assert!(sent < 1 << 19, "batches of {length}");
            std::thread::sleep(Duration::from_micros(500 * length as u64 / 64));
        };
        assert_eq!(refused.kind(), ErrorKind::Disconnected);
    }
}

#[test]
fn threads_exchange() {
    for waiting in [super::super::WaitStrategy::Adaptive, super::super::WaitStrategy::Block] {
        let (mut tx, mut back) = channel::<u64>(64).unwrap();
        let (mut replies, mut rx) = channel::<u64>(64).unwrap();
        tx.set_wait_strategy(waiting);
        back.set_wait_strategy(waiting);
        replies.set_wait_strategy(waiting);
        rx.set_wait_strategy(waiting);
        let t = std::thread::spawn(move || {
            for m in &mut back {
                replies.send(m.unwrap() + 1).unwrap();
            }
        });
        for i in 0..20000 {
            tx.send(i).unwrap();
            assert_eq!(rx.recv().unwrap(), i + 1);
        }
        drop(tx);
        t.join().unwrap();
    }
}

#[test]
fn from_fd_continues_where_the_endpoint_was() {
    let (tx, mut rx) = channel::<u32>(8).unwrap();
    let fd = tx.into_fd().unwrap();
    assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    let mut tx = Sender::<u32>::from_fd(fd).unwrap();
    tx.send(7).unwrap();
    assert_eq!(rx.recv().unwrap(), 7);
    let fd = rx.into_fd().unwrap();
    assert_eq!(Sender::<u32>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(tx.send(1).unwrap_err().kind(), ErrorKind::Disconnected);
}

#[test]
fn an_event_loop_hears_of_messages_room_and_the_end() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let (mut tx, mut rx) = channel::<u64>(2).unwrap();
    let readable = |readiness: &crate::channel::Readiness, ms: u16| {
        poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], PollTimeout::from(ms)).unwrap() == 1
    };
    let (messages, room) = (rx.readiness().unwrap(), tx.readiness().unwrap());
    messages.clear().unwrap();
    for i in 0..100 {
        assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        let sender = std::thread::spawn(move || {
            tx.send(i).unwrap();
            tx
        });
        assert!(readable(&messages, 5000));
        tx = sender.join().unwrap();
        loop {
            messages.clear().unwrap();
            if rx.try_recv().is_ok() {
                break;
            }
            assert!(readable(&messages, 5000));
        }
    }
    tx.send(1).unwrap();
    tx.send(2).unwrap();
    room.clear().unwrap();
    assert!(tx.try_send(3).is_err());
    rx.recv().unwrap();
    assert!(readable(&room, 5000));
    rx.recv().unwrap();
    messages.clear().unwrap();
    while rx.try_recv().is_ok() {}
    drop(tx);
    assert!(readable(&messages, 1000));
    messages.clear().unwrap();
    assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Disconnected);
    drop((messages, room));
}

use crate::channel::spsc::Options;
#[test]
fn drain_of_an_invalid_position_returns_corrupted_once() {
    let channel = Options::<u64>::new().capacity(4).anonymous().unwrap();
    let mut rx = channel.receiver().unwrap();
    // SAFETY: because the region is kept by `channel`.
    let control = unsafe { channel.region.control(0).as_ref() };
    control.senders.position.store(5, Relaxed);
    let kinds: Vec<_> = rx.drain().map(|message| message.unwrap_err().kind()).collect();
    assert_eq!(kinds, [ErrorKind::Corrupted]);
}

#[test]
fn recv_many_before_an_invalid_value_returns_the_valid_ones() {
    let channel = Options::<bool>::new().capacity(8).anonymous().unwrap();
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    tx.send_all(&[true, false]).unwrap();
    tx.send(true).unwrap();
    tx.send(false).unwrap();
    let third = channel.region.data_area().at(2 * 8, 1).unwrap();
    // SAFETY: because the byte is mapped while `channel` exists, and any byte is an atomic.
    unsafe { third.cast::<std::sync::atomic::AtomicU8>().as_ref() }.store(7, Relaxed);
    let mut buffer = [true; 8];
    assert_eq!(rx.recv_many(&mut buffer).unwrap(), 2);
    assert_eq!(buffer[..2], [true, false]);
    assert_eq!(rx.recv_many(&mut buffer).unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(rx.try_recv_many(&mut buffer).unwrap(), 1);
    assert!(!buffer[0]);
    assert_eq!(rx.try_recv_many(&mut buffer).unwrap_err().kind(), ErrorKind::Empty);
    assert_eq!(rx.try_recv_many(&mut []).unwrap(), 0);
}

#[test]
fn len_counts_messages_that_were_not_received() {
    for start in [0, u64::MAX - 1] {
        let channel = Options::<u32>::new().capacity(4).initial_position(start).anonymous().unwrap();
        let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        assert!((tx.capacity(), rx.capacity()) == (4, 4) && tx.is_empty() && rx.is_empty());
        for sent in 1..=4 {
            tx.send(7).unwrap();
            assert_eq!((tx.len(), rx.len()), (sent, sent));
        }
        assert!(tx.is_full() && rx.is_full());
        rx.recv().unwrap();
        assert!(!tx.is_full() && (tx.len(), rx.len()) == (3, 3));
        assert_eq!(rx.wait_strategy(), crate::channel::WaitStrategy::Adaptive);
        rx.set_wait_strategy(crate::channel::WaitStrategy::Block);
        assert_eq!(rx.wait_strategy(), crate::channel::WaitStrategy::Block);
    }
}

#[test]
fn is_disconnected_after_the_only_peer_left_returns_true() {
    let channel = Options::<u32>::new().anonymous().unwrap();
    let tx = channel.sender().unwrap();
    assert!(!tx.is_disconnected(), "no receiver has ever connected");
    let rx = channel.receiver().unwrap();
    assert!(!tx.is_disconnected() && !rx.is_disconnected());
    drop(tx);
    assert!(rx.is_disconnected());
    let _tx = channel.sender().unwrap();
    assert!(!rx.is_disconnected());
}

#[test]
fn try_recv_on_an_empty_channel_does_not_clone_the_name() {
    let name = format!("/{}", crate::name::unique("channel-empty"));
    let channel = Options::<u32>::new().remove_on_drop(true).create_new(&name).unwrap();
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    let holders = || std::sync::Arc::strong_count(channel.region.name().unwrap());
    let before = holders();
    let empty: Vec<_> = (0..10).map(|_| rx.try_recv().unwrap_err()).collect();
    while tx.try_send(1).is_ok() {}
    let full: Vec<_> = (0..10).map(|_| tx.try_send(1).unwrap_err()).collect();
    assert_eq!(holders(), before, "{empty:?} {full:?}");
}

#[test]
fn try_recv_in_a_polling_loop_after_the_sender_left_without_notice_returns_disconnected() {
    let (tx, mut rx) = channel::<u32>(4).unwrap();
    // It leaves as a killed process does.
    let fd = tx.into_fd().unwrap();
    for _ in 0..1000 {
        assert_eq!(rx.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    }
    drop(fd);
    let left = Instant::now();
    while rx.try_recv().unwrap_err().kind() == ErrorKind::Empty {
        assert!(left.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// A position never decreases: a batch for which more room is needed finds that it did.
#[test]
fn send_all_after_the_receivers_position_was_moved_back_returns_corrupted() {
    let channel = Options::<u64>::new().capacity(8).anonymous().unwrap();
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    tx.send_all(&[1; 8]).unwrap();
    assert_eq!(rx.recv_many(&mut [0; 8]).unwrap(), 8);
    tx.send_all(&[2; 2]).unwrap();
    // SAFETY: because the region is kept by `channel`.
    let control = unsafe { channel.region.control(0).as_ref() };
    control.receivers.position.store(4, Relaxed);
    let refused = tx.try_send_all(&[3; 8]).unwrap_err();
    assert_eq!((refused.kind(), refused.sent()), (ErrorKind::Corrupted, 0));
}
