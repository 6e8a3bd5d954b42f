//! Tests of `mpmc`.

use std::collections::BTreeSet;
use std::mem::forget;
use std::thread;
use std::time::{Duration, Instant};

use crate::ErrorKind;
use crate::channel::WaitStrategy;
use crate::channel::mpmc::*;

/// Where positions begin, so that each of their parts wraps soon.
const STARTS: [u64; 5] = [0, 1, u32::MAX as u64 - 5, u64::MAX / 2 - 5, u64::MAX - 5];

fn made(capacity: usize, start: u64) -> Channel<u64> {
    Options::new().capacity(capacity).initial_position(start).anonymous().unwrap()
}

fn kind<T>(result: crate::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn rest(receiver: &mut Receiver<u64>) -> Vec<u64> {
    receiver.drain().map(Result::unwrap).collect()
}

#[test]
fn messages_arrive_in_order_and_the_end_is_seen() {
    for start in STARTS {
        for capacity in [2, 4, 64, 2048] {
            let channel = made(capacity, start);
            let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
            assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
            for i in 0..3 * capacity as u64 {
                tx.send(i).unwrap();
                tx.try_send(i + 100).unwrap();
                assert_eq!(rx.recv().unwrap(), i);
                assert_eq!(rx.try_recv().unwrap(), i + 100);
            }
            for i in 0..capacity as u64 {
                tx.try_send(i).unwrap();
            }
            let full = tx.try_send(9).unwrap_err();
            assert_eq!((full.kind(), full.into_message()), (ErrorKind::Full, 9));
            let began = Instant::now();
            assert_eq!(tx.send_timeout(9, Duration::from_millis(5)).unwrap_err().kind(), ErrorKind::TimedOut);
            assert!(began.elapsed() >= Duration::from_millis(5));
            drop(tx);
            let all: Vec<_> = rx.iter().map(Result::unwrap).collect();
            assert_eq!(all, (0..capacity as u64).collect::<Vec<_>>());
            assert_eq!(kind(rx.recv()), ErrorKind::Disconnected);
            assert_eq!(kind(rx.try_recv()), ErrorKind::Disconnected);
            let mut tx = channel.sender().unwrap();
            tx.send_all(&[5, 6]).unwrap();
            assert_eq!(rest(&mut rx), [5, 6]);
            drop(rx);
            assert_eq!(tx.send(1).unwrap_err().kind(), ErrorKind::Disconnected);
            assert_eq!(kind(tx.loan()), ErrorKind::Disconnected);
        }
    }
}

#[test]
fn each_message_goes_to_one_receiver() {
    for start in STARTS {
        let channel = made(4, start);
        let mut senders = [channel.sender().unwrap(), channel.sender().unwrap()];
        let mut receivers = [channel.receiver().unwrap(), channel.receiver().unwrap()];
        for i in 0..50 {
            for (s, sender) in senders.iter_mut().enumerate() {
                sender.send(2 * i + s as u64).unwrap();
            }
            let got = receivers.each_mut().map(|r| r.recv().unwrap());
            assert_eq!(got, [2 * i, 2 * i + 1]);
        }
        for i in 0..50 {
            senders[1].send(i).unwrap();
            assert_eq!(receivers[0].recv().unwrap(), i);
        }
        // An endpoint that was absent for many generations continues.
        senders[0].send(7).unwrap();
        assert_eq!(
            kind(receivers[0].recv_timeout(Duration::ZERO).and(receivers[1].try_recv())),
            ErrorKind::Empty
        );
    }
}

#[test]
fn batches_stop_where_there_is_no_room() {
    let channel = made(4, u64::MAX - 1);
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    tx.send_all(&[1, 2]).unwrap();
    let stopped = tx.try_send_all(&[3, 4, 5]).unwrap_err();
    assert_eq!((stopped.sent(), stopped.kind()), (2, ErrorKind::Full));
    let stopped = tx.send_all_timeout(&[5], Duration::from_millis(1)).unwrap_err();
    assert_eq!((stopped.sent(), stopped.kind()), (0, ErrorKind::TimedOut));
    assert_eq!(rest(&mut rx), [1, 2, 3, 4]);
    tx.send_all(&[]).unwrap();
    tx.try_send_all(&[]).unwrap();
    assert_eq!(rest(&mut rx), []);
}

#[test]
fn what_is_lent_holds_back_what_is_sent_after_it() {
    let channel = made(4, 3);
    let (mut one, mut two) = (channel.sender().unwrap(), channel.sender().unwrap());
    let mut rx = channel.receiver().unwrap();
    let mut loan = one.loan().unwrap();
    two.send(2).unwrap();
    assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
    loan.set(&1);
    loan.commit();
    assert_eq!(rest(&mut rx), [1, 2]);
    drop(one.loan().unwrap());
    two.send(3).unwrap();
    assert_eq!(rest(&mut rx), [3]);
    forget(one.loan().unwrap());
    two.send(4).unwrap();
    assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
    one.send(5).unwrap();
    assert_eq!(rest(&mut rx), [4, 5]);
    forget(one.try_loan().unwrap());
    two.send(6).unwrap();
    drop(one);
    assert_eq!(rx.recv().unwrap(), 6);
}

#[test]
fn loans_that_lead_to_nothing_use_no_room_for_long() {
    let channel = made(2, 0);
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    for _ in 0..2 {
        drop(tx.try_loan().unwrap());
    }
    assert_eq!(kind(tx.try_loan()), ErrorKind::Full);
    assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
    tx.try_send(1).unwrap();
    assert_eq!(rx.recv().unwrap(), 1);
}

#[test]
fn what_is_held_keeps_its_place() {
    let channel = made(4, u64::MAX - 2);
    let mut tx = channel.sender().unwrap();
    let (mut one, mut two) = (channel.receiver().unwrap(), channel.receiver().unwrap());
    tx.send_all(&[1, 2, 3, 4]).unwrap();
    let held = one.recv_in_place().unwrap();
    assert_eq!(rest(&mut two), [2, 3, 4]);
    assert_eq!(kind(tx.try_loan()), ErrorKind::Full);
    assert_eq!(held.get().unwrap(), 1);
    drop(held);
    tx.send_all(&[5, 6, 7, 8]).unwrap();
    forget(one.try_recv_in_place().unwrap());
    assert_eq!(one.recv_in_place_timeout(Duration::ZERO).unwrap().get().unwrap(), 6);
    tx.try_send_all(&[9, 10]).unwrap();
}

#[test]
fn forgotten_guards_are_reclaimed_when_the_endpoint_is_dropped() {
    for start in STARTS {
        let channel = made(4, start);
        let mut tx = channel.sender().unwrap();
        let mut other = channel.sender().unwrap();
        let (mut one, mut two) = (channel.receiver().unwrap(), channel.receiver().unwrap());
        tx.send_all(&[1, 2]).unwrap();
        forget(one.recv_in_place().unwrap());
        forget(tx.loan().unwrap());
        other.send(3).unwrap();
        drop((one, tx));
        let got: BTreeSet<_> = (0..3).map(|_| two.recv().unwrap()).collect();
        assert_eq!(got, [1, 2, 3].into());
        assert_eq!(kind(two.try_recv()), ErrorKind::Empty);
        let mut new = channel.receiver().unwrap();
        other.send_all(&[4, 5, 6, 7]).unwrap();
        assert_eq!(rest(&mut new), [4, 5, 6, 7]);
    }
}

#[test]
fn a_successor_takes_what_its_predecessor_left() {
    let channel = made(4, 0);
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    tx.send(1).unwrap();
    forget(rx.recv_in_place().unwrap());
    forget(tx.loan().unwrap());
    drop((tx, rx));
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    tx.send(2).unwrap();
    assert_eq!(rest(&mut rx), [1, 2]);
}

#[test]
fn all_that_was_sent_before_the_end_is_received() {
    let channel = made(8, 0);
    let (mut one, mut two) = (channel.sender().unwrap(), channel.sender().unwrap());
    let mut rx = channel.receiver().unwrap();
    forget(one.loan().unwrap());
    two.send_all(&[1, 2, 3]).unwrap();
    drop((one, two));
    assert_eq!(rx.iter().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn there_is_a_limit_to_ends() {
    let channel = made(2, 0);
    let senders: Vec<_> = (0..64).map(|_| channel.sender().unwrap()).collect();
    let receivers: Vec<_> = (0..64).map(|_| channel.receiver().unwrap()).collect();
    assert_eq!(kind(channel.sender()), ErrorKind::LimitReached);
    assert_eq!(kind(channel.receiver()), ErrorKind::LimitReached);
    drop((senders, receivers));
    channel.sender().unwrap();
}

#[test]
fn an_end_moves_by_its_descriptor() {
    let (tx, mut rx) = channel::<u32>(8).unwrap();
    let fd = tx.into_fd().unwrap();
    assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
    let mut tx = Sender::<u32>::from_fd(fd).unwrap();
    tx.send(7).unwrap();
    assert_eq!(rx.recv().unwrap(), 7);
    let fd = rx.into_fd().unwrap();
    assert_eq!(kind(Sender::<u32>::from_fd(fd)), ErrorKind::WrongType);
    assert_eq!(tx.send(1).unwrap_err().kind(), ErrorKind::Disconnected);
}

#[test]
fn other_channels_are_refused() {
    let name = format!("/{}", crate::name::unique("mpmc-other"));
    let _made = Options::<u64>::new().capacity(8).remove_on_drop(true).create_new(&name).unwrap();
    assert_eq!(kind(Channel::<i64>::open(&name)), ErrorKind::WrongType);
    assert_eq!(kind(Options::<u64>::new().capacity(16).open(&name)), ErrorKind::WrongType);
    assert_eq!(kind(crate::channel::spsc::Channel::<u64>::open(&name)), ErrorKind::WrongType);
    Sender::<u64>::open(&name).unwrap().into_fd().unwrap_err();
}

/// Threads share what processes do; each end has a description of its own.
#[test]
fn threads_share_the_work() {
    const EACH: u64 = 20_000;
    for (waiting, capacity) in
        [(WaitStrategy::Adaptive, 4), (WaitStrategy::Block, 64), (WaitStrategy::Adaptive, 1024)]
    {
        let channel = made(capacity, u64::MAX - 10_000);
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let mut rx = channel.receiver().unwrap();
                rx.set_wait_strategy(waiting);
                thread::spawn(move || rx.iter().map(Result::unwrap).collect::<Vec<u64>>())
            })
            .collect();
        // All of them before any begins: if the first one left before the second came, the work
        // would end.
        let ends: Vec<_> = (0..2).map(|_| channel.sender().unwrap()).collect();
        let senders: Vec<_> = (0..)
            .zip(ends)
            .map(|(s, mut tx)| {
                tx.set_wait_strategy(waiting);
                thread::spawn(move || (0..EACH).for_each(|i| tx.send(s << 32 | i).unwrap()))
            })
            .collect();
        senders.into_iter().for_each(|s| s.join().unwrap());
        let lists: Vec<_> = workers.into_iter().map(|w| w.join().unwrap()).collect();
        for list in &lists {
            for s in 0..2 {
                let of_one: Vec<_> = list.iter().filter(|m| **m >> 32 == s).collect();
                assert!(of_one.is_sorted(), "what one sender sends is taken in order");
            }
        }
        let all: BTreeSet<_> = lists.iter().flatten().collect();
        assert_eq!((all.len(), lists.iter().map(Vec::len).sum()), (2 * EACH as usize, 2 * EACH as usize));
    }
}
