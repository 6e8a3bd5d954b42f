use std::mem::forget;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{sleep, yield_now};
use std::time::Instant;

use ipcraft::channel::mpmc::{Channel, Options, Receiver, Sender};
use ipcraft::channel::{WaitStrategy, spsc};
use ipcraft::{ErrorKind, name};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{getpid, pause};

use super::tally::Tally;

/// How many messages each sender sends.
const EACH: u64 = 100_000;

const SENDERS: usize = 2;
const WORKERS: usize = 2;

fn made(capacity: usize) -> Channel<u64> {
    // The positions wrap while the test runs.
    Options::new().capacity(capacity).initial_position(u64::MAX - 1000).anonymous().unwrap()
}

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

/// Waits until a word has this value.
fn until(tally: &Tally, number: usize, value: u64) {
    let began = Instant::now();
    while tally.get(number) != value {
        assert!(began.elapsed() < LONG_TIMEOUT, "the peer has not made progress");
        yield_now();
    }
}

#[serial_test]
fn mpmc_messages_reach_one_worker_each() {
    for (capacity, waiting) in
        [(1024, WaitStrategy::Adaptive), (64, WaitStrategy::Block), (4, WaitStrategy::Adaptive)]
    {
        share(capacity, waiting, |tx, from| (0..EACH).for_each(|i| tx.send(from << 32 | i).unwrap()));
    }
}

#[serial_test]
fn mpmc_batches_reach_one_worker_each() {
    share(256, WaitStrategy::Adaptive, |tx, from| {
        let messages: Vec<_> = (0..EACH).map(|i| from << 32 | i).collect();
        messages.chunks(100).for_each(|chunk| tx.send_all(chunk).unwrap());
    });
}

/// Two senders and two workers: each message is received once, in the order of its sender.
fn share(capacity: usize, waiting: WaitStrategy, send: fn(&mut Sender<u64>, u64)) {
    let channel = made(capacity);
    let all = SENDERS * EACH as usize;
    let tally = Tally::new(2, all);
    let senders = |from| {
        let (channel, tally) = (&channel, &tally);
        Peer::start(move || {
            let mut tx = channel.sender().unwrap();
            tx.set_wait_strategy(waiting);
            tally.add(0, 1);
            // No process ends before all have begun, since the last sender to leave ends the
            // stream.
            until(tally, 0, (SENDERS + WORKERS) as u64);
            send(&mut tx, from);
        })
    };
    let worker = || {
        let mut rx = channel.receiver().unwrap();
        rx.set_wait_strategy(waiting);
        tally.add(0, 1);
        until(&tally, 0, (SENDERS + WORKERS) as u64);
        let mut next = [0; SENDERS];
        for message in &mut rx {
            let message = message.unwrap();
            let (from, i) = ((message >> 32) as usize, message & u64::from(u32::MAX));
            assert!(i >= next[from], "{i} of {from} after {}", next[from]);
            next[from] = i + 1;
            let before = tally.mark(from * EACH as usize + i as usize).fetch_add(1, Relaxed);
            assert_eq!(before, 0, "{i} of {from} was received before");
            tally.add(1, i);
        }
    };
    let workers: Vec<_> = (0..WORKERS).map(|_| Peer::start(worker)).collect();
    let senders: Vec<_> = (0..SENDERS as u64).map(senders).collect();
    senders.into_iter().chain(workers).for_each(Peer::join);
    assert_eq!(tally.get(1), SENDERS as u64 * (0..EACH).sum::<u64>());
    assert!((0..all).all(|i| tally.mark(i).load(Relaxed) == 1), "every message was received");
}

#[serial_test]
fn mpmc_recv_after_last_sender_killed_returns_disconnected() {
    for waiting in [WaitStrategy::Adaptive, WaitStrategy::Block, WaitStrategy::Spin] {
        let channel = made(8);
        let tally = Tally::new(1, 0);
        let mut rx = channel.receiver().unwrap();
        rx.set_wait_strategy(waiting);
        let sender = || {
            let mut tx = channel.sender().unwrap();
            tx.send(tally.get(0)).unwrap();
            tally.add(0, 1);
            forget(tx.loan().unwrap());
            pause();
        };
        let senders = [Peer::start(sender), Peer::start(sender)];
        until(&tally, 0, 2);
        let killer = Peer::start(|| sleep(2 * SHORT_TIMEOUT));
        let killed = std::thread::spawn(move || {
            killer.join();
            senders.into_iter().for_each(Peer::kill);
        });
        let received: Vec<_> = rx.iter().map(Result::unwrap).collect();
        assert_eq!(received.len(), 2);
        killed.join().unwrap();
    }
}

#[serial_test]
fn mpmc_send_after_last_receiver_killed_returns_disconnected() {
    for waiting in [WaitStrategy::Adaptive, WaitStrategy::Block, WaitStrategy::Spin] {
        let channel = made(4);
        let tally = Tally::new(1, 0);
        let receiver = Peer::start(|| {
            let mut rx = channel.receiver().unwrap();
            tally.add(0, 1);
            forget(rx.recv_in_place().unwrap());
            tally.add(0, 1);
            pause();
        });
        until(&tally, 0, 1);
        let mut tx = channel.sender().unwrap();
        tx.set_wait_strategy(waiting);
        tx.send_all(&[1, 2, 3, 4]).unwrap();
        until(&tally, 0, 2);
        let killed = std::thread::spawn(move || {
            sleep(SHORT_TIMEOUT);
            receiver.kill();
        });
        let refused = tx.send_timeout(5, LONG_TIMEOUT).unwrap_err();
        assert_eq!((refused.kind(), refused.into_message()), (ErrorKind::Disconnected, 5));
        killed.join().unwrap();
        let mut rx = channel.receiver().unwrap();
        let mut rest: Vec<_> = (0..4).map(|_| rx.recv_timeout(LONG_TIMEOUT).unwrap()).collect();
        rest.sort_unstable();
        assert_eq!(rest, [1, 2, 3, 4]);
    }
}

/// A process that holds one message and never releases it.
fn stuck(channel: &Channel<u64>, tally: &Tally) -> Peer {
    let worker = Peer::start(|| {
        let mut rx = channel.receiver().unwrap();
        let job = rx.recv_in_place().unwrap();
        tally.set(0, job.get().unwrap());
        pause();
    });
    until(tally, 0, 1);
    worker
}

#[serial_test]
fn mpmc_message_held_by_killed_worker_is_redelivered() {
    let (channel, tally) = (made(4), Tally::new(1, 0));
    let mut tx = channel.sender().unwrap();
    tx.send_all(&[1, 2]).unwrap();
    let worker = stuck(&channel, &tally);
    let mut rx = channel.receiver().unwrap();
    assert_eq!(rx.recv().unwrap(), 2);
    assert_eq!(kind(rx.recv_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    worker.kill();
    assert_eq!(rx.recv_timeout(LONG_TIMEOUT).unwrap(), 1);
    assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
}

#[serial_test]
fn mpmc_message_held_by_killed_worker_is_redelivered_to_a_blocked_worker() {
    let (channel, tally) = (made(4), Tally::new(1, 0));
    let mut tx = channel.sender().unwrap();
    tx.send(1).unwrap();
    let worker = stuck(&channel, &tally);
    let others: Vec<_> = (0..2)
        .map(|_| {
            Peer::start(|| {
                let mut rx = channel.receiver().unwrap();
                rx.set_wait_strategy(WaitStrategy::Block);
                let job = rx.recv_timeout(LONG_TIMEOUT).unwrap();
                tally.add(0, job);
            })
        })
        .collect();
    others.iter().for_each(Peer::wait_asleep);
    worker.kill();
    until(&tally, 0, 2);
    tx.send(2).unwrap();
    others.into_iter().for_each(Peer::join);
    assert_eq!(tally.get(0), 4);
}

#[serial_test]
fn mpmc_recv_skips_the_loan_of_a_killed_sender() {
    let (channel, tally) = (made(8), Tally::new(1, 0));
    let mut rx = channel.receiver().unwrap();
    let sender = Peer::start(|| {
        let mut tx = channel.sender().unwrap();
        tx.send(1).unwrap();
        let mut loan = tx.loan().unwrap();
        loan.set(&666);
        tally.set(0, 1);
        pause();
    });
    until(&tally, 0, 1);
    let mut tx = channel.sender().unwrap();
    tx.send_all(&[2, 3]).unwrap();
    assert_eq!(rx.recv().unwrap(), 1);
    assert_eq!(kind(rx.recv_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    sender.kill();
    assert_eq!([rx.recv_timeout(LONG_TIMEOUT).unwrap(), rx.recv_timeout(LONG_TIMEOUT).unwrap()], [2, 3]);
    assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
}

#[serial_test]
fn mpmc_slot_held_by_killed_worker_is_reclaimed() {
    let (channel, tally) = (made(2), Tally::new(1, 0));
    let mut tx = channel.sender().unwrap();
    tx.send(1).unwrap();
    let worker = stuck(&channel, &tally);
    tx.send(2).unwrap();
    let other = Peer::start(|| {
        let mut rx = channel.receiver().unwrap();
        for _ in 0..4 {
            tally.add(0, rx.recv_timeout(LONG_TIMEOUT).unwrap());
        }
    });
    until(&tally, 0, 3);
    assert_eq!(tx.send_timeout(3, SHORT_TIMEOUT).map_err(|e| e.kind()), Err(ErrorKind::TimedOut));
    worker.kill();
    tx.send_timeout(3, LONG_TIMEOUT).unwrap();
    tx.send_timeout(4, LONG_TIMEOUT).unwrap();
    other.join();
    assert_eq!(tally.get(0), 1 + 1 + 2 + 3 + 4);
}

#[serial_test]
fn mpmc_replacement_of_killed_sender_sends() {
    let name = format!("/{}", name::unique("ipcraft-tests-mpmc"));
    let channel = Options::<u64>::new().capacity(8).remove_on_drop(true).create_new(&name).unwrap();
    let tally = Tally::new(1, 0);
    let mut rx = channel.receiver().unwrap();
    for round in 0..5 {
        let sender = Peer::start(|| {
            let mut tx = Sender::<u64>::open(&name).unwrap();
            tx.send(2 * round).unwrap();
            let loan = tx.loan().unwrap();
            tally.add(0, 1);
            pause();
            drop(loan);
        });
        until(&tally, 0, round + 1);
        sender.kill();
        let mut tx = Sender::<u64>::open(&name).unwrap();
        tx.send(2 * round + 1).unwrap();
        assert_eq!(rx.recv().unwrap(), 2 * round);
        assert_eq!(rx.recv_timeout(LONG_TIMEOUT).unwrap(), 2 * round + 1);
    }
}

#[serial_test]
fn mpmc_endpoint_limit_counts_all_processes() {
    let channel = made(4);
    let tally = Tally::new(1, 0);
    let peer = Peer::start(|| {
        let _ends: Vec<_> = (0..64).map(|_| channel.receiver().unwrap()).collect();
        let _senders: Vec<_> = (0..63).map(|_| channel.sender().unwrap()).collect();
        tally.set(0, 1);
        pause();
    });
    until(&tally, 0, 1);
    assert_eq!(kind(channel.receiver()), ErrorKind::LimitReached);
    let _last = channel.sender().unwrap();
    assert_eq!(kind(channel.sender()), ErrorKind::LimitReached);
    peer.kill();
    channel.receiver().unwrap();
    channel.sender().unwrap();
}

#[serial_test]
fn mpmc_open_of_another_channel_returns_wrong_type() {
    let name = format!("/{}", name::unique("ipcraft-tests-mpmc"));
    let _made = Options::<u64>::new().capacity(8).remove_on_drop(true).create_new(&name).unwrap();
    Peer::start(|| {
        Receiver::<u64>::open(&name).unwrap();
        assert_eq!(kind(Receiver::<u32>::open(&name)), ErrorKind::WrongType);
        assert_eq!(kind(Sender::<i64>::open(&name)), ErrorKind::WrongType);
        assert_eq!(kind(Options::<u64>::new().capacity(16).open(&name)), ErrorKind::WrongType);
        assert_eq!(kind(spsc::Sender::<u64>::open(&name)), ErrorKind::WrongType);
        assert_eq!(kind(Sender::<u64>::open(format!("{name}-other"))), ErrorKind::NotFound);
    })
    .join();
}

/// A process that has the memory may write anything: each call returns an error or what was
/// written.
#[serial_test]
fn mpmc_calls_return_while_peer_corrupts_the_memory() {
    for round in 0..20 {
        let name = format!("/{}", name::unique("ipcraft-tests-mpmc"));
        let channel = Options::<char>::new().capacity(16).remove_on_drop(true).create_new(&name).unwrap();
        let tally = Tally::new(1, 0);
        let peer = Peer::start(|| corrupt(&name, round + 1, &tally));
        until(&tally, 0, 1);
        let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        tally.set(0, 2);
        for _ in 0..200 {
            drop(tx.try_send('x'));
            drop(tx.send_timeout('y', SHORT_TIMEOUT / 20));
            drop(tx.try_send_all(&['z'; 5]));
            drop(tx.try_loan());
            drop(rx.try_recv());
            drop(rx.recv_timeout(SHORT_TIMEOUT / 20));
            drop(rx.try_recv_in_place().and_then(|held| held.get()));
            let drained = rx.drain().take(1000).filter(Result::is_ok).count();
            assert!(drained <= 1000);
            drop((channel.sender(), channel.receiver()));
        }
        peer.kill();
    }
}

/// Writes random words to random offsets.
fn corrupt(name: &str, seed: u64, tally: &Tally) {
    let memory = ipcraft::shm::posix::SharedMemory::open(name).unwrap().map().unwrap();
    let words = (memory.len() / 4) as u64;
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    // The ends are taken while nothing is written yet.
    tally.set(0, 1);
    until(tally, 0, 2);
    for turn in 0.. {
        let value = next() >> (next() % 64);
        memory.atomic_u32((next() % words) as usize * 4).unwrap().store(value as u32, Relaxed);
        if turn % 64 == 0 {
            yield_now();
        }
    }
}

/// A stopped process keeps its loan, or the message that it reads in place.
#[serial_test]
fn mpmc_holder_names_the_stopped_process_that_the_call_waited_for() {
    let channel = Options::<u64>::new().capacity(2).anonymous().unwrap();
    let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
    assert_eq!((tx.holder(), rx.holder()), (None, None));
    let stopped = Peer::start(|| {
        let mut tx = channel.sender().unwrap();
        let _loan = tx.loan().unwrap();
        kill(getpid(), Signal::SIGSTOP).unwrap();
    });
    wait_stopped(&stopped);
    tx.send(1).unwrap();
    assert_eq!(rx.recv_timeout(SHORT_TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(rx.holder(), Some(stopped.id()));
    assert_eq!(tx.send_timeout(2, SHORT_TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(tx.holder(), Some(stopped.id()));
    stopped.kill();
    assert_eq!(rx.recv_timeout(LONG_TIMEOUT).unwrap(), 1);
    assert_eq!((tx.holder(), rx.holder()), (None, None));

    tx.send_all(&[3, 4]).unwrap();
    let stopped = Peer::start(|| {
        let mut rx = channel.receiver().unwrap();
        let _message = rx.recv_in_place().unwrap();
        kill(getpid(), Signal::SIGSTOP).unwrap();
    });
    wait_stopped(&stopped);
    assert_eq!(tx.try_send(5).unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(tx.holder(), Some(stopped.id()));
}

/// Blocks until a signal has stopped the child.
fn wait_stopped(peer: &Peer) {
    let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT;
    let status = waitid(Id::Pid(peer.pid()), flags).unwrap();
    assert_eq!(status, WaitStatus::Stopped(peer.pid(), Signal::SIGSTOP));
}
