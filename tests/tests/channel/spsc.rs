use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::channel::spsc::{self, Channel, Options, Receiver, Sender};
use ipcraft::channel::{Readiness, WaitStrategy, mpmc};
use ipcraft::shm::posix::SharedMemory;
use ipcraft::socket::{Ancillary, seqpacket};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT, death_notice_timeout, patience};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{Pid, pause};

use super::fresh;
use super::tally::Tally;

/// The messages of a stream of numbers.
const MANY: u64 = 1_000_000;

const STRATEGIES: [WaitStrategy; 3] = [WaitStrategy::Adaptive, WaitStrategy::Block, WaitStrategy::Spin];

fn made(capacity: usize) -> Channel<u64> {
    // The positions wrap while the test runs.
    Options::new().capacity(capacity).initial_position(u64::MAX - 1000).anonymous().unwrap()
}

fn kind<T>(result: ipcraft::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

/// Waits until the first word has this value.
fn until(tally: &Tally, value: u64) {
    let began = Instant::now();
    while tally.get(0) != value {
        assert!(began.elapsed() < LONG_TIMEOUT, "the peer has not made progress");
        yield_now();
    }
}

/// What a process sends is what this one receives: the numbers from zero on, and then the end.
fn stream(capacity: usize, send: fn(&mut Sender<u64>), receive: impl FnOnce(&mut Receiver<u64>)) {
    let channel = made(capacity);
    let tally = Tally::new(1, 0);
    let sender = Peer::start(|| {
        let mut tx = channel.sender().unwrap();
        tally.set(0, 1);
        send(&mut tx);
    });
    until(&tally, 1);
    let mut rx = channel.receiver().unwrap();
    receive(&mut rx);
    assert_eq!(kind(rx.recv()), ErrorKind::Disconnected);
    sender.join();
}

#[serial_test]
fn spsc_messages_arrive_in_order() {
    let one_by_one = |tx: &mut Sender<u64>| (0..MANY).for_each(|i| tx.send(i).unwrap());
    for capacity in [16, 1024] {
        stream(capacity, one_by_one, |rx| {
            for (expected, received) in (0..MANY).zip(rx.iter()) {
                assert_eq!(received.unwrap(), expected);
            }
        });
    }
}

/// Batches longer and shorter than the channel.
fn send_batches(tx: &mut Sender<u64>) {
    let numbers: Vec<_> = (0..MANY).collect();
    let (mut rest, mut length) = (&numbers[..], 1);
    while !rest.is_empty() {
        let batch;
        (batch, rest) = rest.split_at(rest.len().min(length));
        tx.send_all(batch).unwrap();
        length = length % 150 + 1;
    }
}

#[serial_test]
fn spsc_batches_arrive_in_order() {
    stream(64, send_batches, |rx| {
        let (mut next, mut buffer) = (0, [0; 48]);
        while next < MANY {
            let count = rx.recv_many(&mut buffer).unwrap();
            assert!(count > 0);
            assert!(buffer[..count].iter().copied().eq(next..next + count as u64), "{buffer:?} at {next}");
            next += count as u64;
        }
    });
    stream(64, send_batches, |rx| {
        let mut next = 0;
        while next < MANY {
            assert_eq!(rx.recv().unwrap(), next);
            next += 1;
            for received in rx.drain() {
                assert_eq!(received.unwrap(), next);
                next += 1;
            }
        }
    });
}

#[serial_test]
fn spsc_messages_written_in_place_arrive() {
    const FRAMES: u64 = 50_000;
    let channel = Options::<[u64; 33]>::new().capacity(4).anonymous().unwrap();
    let tally = Tally::new(1, 0);
    let sender = Peer::start(|| {
        let mut tx = channel.sender().unwrap();
        tally.set(0, 1);
        for i in 0..FRAMES {
            // What is not committed is overwritten by what follows.
            tx.loan().unwrap().set(&[u64::MAX; 33]);
            let mut loan = tx.loan().unwrap();
            loan.set(&[i; 33]);
            loan.write_at(8, &(i + 1).to_ne_bytes()).unwrap();
            loan.commit();
        }
    });
    until(&tally, 1);
    let mut rx = channel.receiver().unwrap();
    for i in 0..FRAMES {
        let received = rx.recv_in_place().unwrap();
        let mut second = [0; 8];
        received.read_at(8, &mut second).unwrap();
        assert_eq!(u64::from_ne_bytes(second), i + 1);
        let mut expected = [i; 33];
        expected[1] = i + 1;
        assert_eq!(received.get().unwrap(), expected);
    }
    assert_eq!(kind(rx.recv()), ErrorKind::Disconnected);
    sender.join();
}

#[serial_test]
fn spsc_second_sender_and_receiver_are_refused() {
    let name = fresh();
    let channel = Options::<u64>::new().remove_on_drop(true).create_new(&name).unwrap();
    let tally = Tally::new(1, 0);
    let owner = Peer::start(|| {
        let _ends = (Sender::<u64>::open(&name).unwrap(), Receiver::<u64>::open(&name).unwrap());
        tally.set(0, 1);
        pause();
    });
    until(&tally, 1);
    assert_eq!(kind(channel.sender()), ErrorKind::InUse);
    assert_eq!(kind(Sender::<u64>::open(&name)), ErrorKind::InUse);
    assert_eq!(kind(channel.receiver()), ErrorKind::InUse);
    assert_eq!(kind(Receiver::<u64>::open(&name)), ErrorKind::InUse);
    owner.kill();
    let _ends = (channel.sender().unwrap(), channel.receiver().unwrap());
}

#[serial_test]
fn spsc_sender_sent_over_a_socket_sends() {
    let (ours, theirs) = seqpacket::pair().unwrap();
    // It has nothing of the channel but what comes over the socket.
    let peer = Peer::start(|| {
        let (_, mut descriptors) = theirs.recv_descriptors(&mut [0], 1).unwrap().expect("a message");
        let mut tx = Sender::<u64>::from_fd(descriptors.remove(0)).unwrap();
        tx.send(7).unwrap();
        tx.send_timeout(8, LONG_TIMEOUT).unwrap();
    });
    drop(theirs);
    let channel = made(4);
    let mut rx = channel.receiver().unwrap();
    let fd = channel.sender().unwrap().into_fd().unwrap();
    ours.send_descriptors(b"!", &[fd.as_fd()]).unwrap();
    drop(fd);
    assert_eq!((rx.recv_timeout(LONG_TIMEOUT).unwrap(), rx.recv_timeout(LONG_TIMEOUT).unwrap()), (7, 8));
    assert_eq!(kind(rx.recv_timeout(LONG_TIMEOUT)), ErrorKind::Disconnected);
    peer.join();
}

/// An endpoint in transit is neither gone nor free.
#[serial_test]
fn spsc_sender_in_transit_counts_as_connected() {
    let (ours, theirs) = seqpacket::pair().unwrap();
    let channel = made(4);
    let mut rx = channel.receiver().unwrap();
    let fd = channel.sender().unwrap().into_fd().unwrap();
    ours.send_descriptors(b"!", &[fd.as_fd()]).unwrap();
    drop(fd);
    assert_eq!(kind(rx.recv_timeout(2 * SHORT_TIMEOUT)), ErrorKind::TimedOut);
    assert_eq!(kind(channel.sender()), ErrorKind::InUse);
    // No process has received it from the socket, and now none can.
    drop((ours, theirs));
    assert_eq!(kind(rx.recv_timeout(LONG_TIMEOUT)), ErrorKind::Disconnected);
    channel.sender().unwrap();
}

/// Each error names what differs.
#[serial_test]
fn spsc_open_of_another_channel_names_the_difference() {
    let name = fresh();
    let _made = Options::<u64>::new().capacity(8).remove_on_drop(true).create_new(&name).unwrap();
    let memory = SharedMemory::open(&name).unwrap().map().unwrap();
    Peer::start(|| {
        let refused = |error: ipcraft::Error, why: &str| {
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::WrongType, "{text}");
            assert!(text.contains(why) && text.contains(&name), "{text}");
        };
        refused(Sender::<u32>::open(&name).unwrap_err(), "the layout of its messages");
        refused(Receiver::<i64>::open(&name).unwrap_err(), "the layout of its messages");
        refused(Options::<u64>::new().capacity(16).open(&name).unwrap_err(), "its capacity");
        refused(mpmc::Sender::<u64>::open(&name).unwrap_err(), "its kind");
        refused(spsc::bytes::Sender::open(&name).unwrap_err(), "its kind");
        Receiver::<u64>::open(&name).unwrap();
        let changed = |offset, value, why| {
            let word = memory.atomic_u64(offset).unwrap();
            let before = word.swap(value, Relaxed);
            refused(Receiver::<u64>::open(&name).unwrap_err(), why);
            word.store(before, Relaxed);
        };
        changed(0, 0, "no channel");
        changed(8, 77, "the version of its header");
        changed(40, 1 << 20, "its size");
        changed(40, 7, "its capacity");
        Receiver::<u64>::open(&name).unwrap();
        assert_eq!(kind(Receiver::<u64>::open(format!("{name}-other"))), ErrorKind::NotFound);
    })
    .join();
}

/// Kills one process, and the other has to end in time.
fn notices(victim: Peer, waiter: Peer) {
    // A spinning endpoint never blocks, and a blocked one has been woken several times in this
    // time.
    sleep(3 * SHORT_TIMEOUT);
    assert!(!waiter.has_status_change().unwrap(), "it did not wait");
    let began = Instant::now();
    victim.kill();
    waiter.join();
    assert!(began.elapsed() < death_notice_timeout(), "after {:?}", began.elapsed());
}

#[serial_test]
fn spsc_recv_after_sender_killed_returns_disconnected() {
    for waiting in STRATEGIES {
        let (channel, tally) = (made(4), Tally::new(1, 0));
        let sender = Peer::start(|| {
            let mut tx = channel.sender().unwrap();
            tx.send(1).unwrap();
            let _loan = tx.loan().unwrap();
            tally.set(0, 1);
            pause();
        });
        until(&tally, 1);
        let receiver = Peer::start(|| {
            let mut rx = channel.receiver().unwrap();
            rx.set_wait_strategy(waiting);
            assert_eq!(rx.recv().unwrap(), 1);
            assert_eq!(kind(rx.recv()), ErrorKind::Disconnected);
        });
        notices(sender, receiver);
    }
}

#[serial_test]
fn spsc_send_after_receiver_killed_returns_disconnected() {
    for waiting in STRATEGIES {
        let (channel, tally) = (made(4), Tally::new(1, 0));
        let receiver = Peer::start(|| {
            let mut rx = channel.receiver().unwrap();
            tally.set(0, 1);
            let _first = rx.recv_in_place().unwrap();
            pause();
        });
        until(&tally, 1);
        let sender = Peer::start(|| {
            let mut tx = channel.sender().unwrap();
            tx.set_wait_strategy(waiting);
            tx.send_all(&[0, 1, 2, 3]).unwrap();
            let refused = tx.send(4).unwrap_err();
            assert_eq!((refused.kind(), refused.into_message()), (ErrorKind::Disconnected, 4));
        });
        notices(receiver, sender);
    }
}

/// Also a sender that never blocks.
#[serial_test]
fn spsc_try_send_after_receiver_killed_returns_disconnected() {
    for waiting in STRATEGIES {
        let (channel, tally) = (made(1 << 16), Tally::new(1, 0));
        let receiver = Peer::start(|| {
            let mut rx = channel.receiver().unwrap();
            rx.set_wait_strategy(waiting);
            tally.set(0, 1);
            rx.iter().for_each(|received| assert!(received.unwrap() < 2));
        });
        until(&tally, 1);
        let mut tx = channel.sender().unwrap();
        let send_for = |tx: &mut Sender<u64>, time: Duration| {
            let began = Instant::now();
            while began.elapsed() < time {
                if let Err(refused) = tx.try_send(1) {
                    return refused.kind();
                }
                sleep(Duration::from_micros(100));
            }
            panic!("no error within {time:?}");
        };
        for _ in 0..100 {
            tx.try_send(0).unwrap();
        }
        receiver.kill();
        assert_eq!(send_for(&mut tx, death_notice_timeout()), ErrorKind::Disconnected);
        assert_eq!(tx.try_send(1).unwrap_err().kind(), ErrorKind::Disconnected);
    }
}

#[serial_test]
fn spsc_replacement_of_killed_sender_sends() {
    let name = fresh();
    let channel = Options::new().capacity(8).remove_on_drop(true).create_new(&name).unwrap();
    let tally = Tally::new(1, 0);
    let mut rx = channel.receiver().unwrap();
    for round in 0..10 {
        let sender = Peer::start(|| {
            let mut tx = Sender::<u64>::open(&name).unwrap();
            tx.send_all(&[3 * round, 3 * round + 1]).unwrap();
            let mut loan = tx.loan().unwrap();
            loan.set(&u64::MAX);
            tally.set(0, round + 1);
            pause();
        });
        until(&tally, round + 1);
        sender.kill();
        channel.sender().unwrap().send(3 * round + 2).unwrap();
        for expected in 3 * round..3 * round + 3 {
            assert_eq!(rx.recv().unwrap(), expected);
        }
        assert_eq!(kind(rx.try_recv()), ErrorKind::Disconnected);
    }
}

#[serial_test]
fn spsc_replacement_of_killed_receiver_receives() {
    let name = fresh();
    let channel = Options::new().capacity(8).remove_on_drop(true).create_new(&name).unwrap();
    let tally = Tally::new(1, 0);
    let mut tx = channel.sender().unwrap();
    for round in 0..10 {
        let receiver = Peer::start(|| {
            let mut rx = Receiver::<u64>::open(&name).unwrap();
            tally.set(0, 2 * round + 1);
            assert_eq!(rx.recv().unwrap(), 3 * round);
            let _held = rx.recv_in_place().unwrap();
            tally.set(0, 2 * round + 2);
            pause();
        });
        until(&tally, 2 * round + 1);
        tx.send_all(&[3 * round, 3 * round + 1, 3 * round + 2]).unwrap();
        until(&tally, 2 * round + 2);
        receiver.kill();
        let mut rx = channel.receiver().unwrap();
        assert_eq!([rx.recv().unwrap(), rx.recv().unwrap()], [3 * round + 1, 3 * round + 2]);
        assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
    }
}

/// As with the ends of a pipe, each side drops the endpoint that it does not need.
#[serial_test]
fn spsc_endpoints_split_by_fork_work() {
    let (tx, mut rx) = spsc::channel::<u64>(8).unwrap();
    let mut tx = Some(tx);
    let peer = Peer::start(|| {
        drop(tx.take());
        assert!(rx.iter().map(Result::unwrap).eq(0..10_000));
    });
    drop(rx);
    let mut tx = tx.expect("only the child takes it");
    (0..10_000).for_each(|i| tx.send(i).unwrap());
    drop(tx);
    peer.join();
}

/// Two blocked endpoints use no CPU time.
#[serial_test]
fn spsc_blocked_endpoints_use_no_cpu_time() {
    const IDLE: Duration = Duration::from_secs(2);
    let idles = |wait: &mut dyn FnMut() -> ErrorKind| {
        let before = used(UsageWho::RUSAGE_SELF);
        assert_eq!(wait(), ErrorKind::TimedOut);
        let used = used(UsageWho::RUSAGE_SELF) - before;
        assert!(used < IDLE / 50 * patience(), "{used:?} in {IDLE:?}");
    };
    let (empty, full) = (made(4), made(4));
    let sender = Peer::start(|| {
        let (mut tx, _rx) = (full.sender().unwrap(), full.receiver().unwrap());
        tx.send_all(&[1, 2, 3, 4]).unwrap();
        idles(&mut || tx.send_timeout(5, IDLE).unwrap_err().kind());
    });
    let receiver = Peer::start(|| {
        let (_tx, mut rx) = (empty.sender().unwrap(), empty.receiver().unwrap());
        idles(&mut || kind(rx.recv_timeout(IDLE)));
    });
    sender.join();
    receiver.join();
}

fn used(who: UsageWho) -> Duration {
    let usage = getrusage(who).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec() as u64, 0) + Duration::from_micros(time.tv_usec() as u64)
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// Where both sides share one CPU, each has to let the other run.
#[serial_test]
fn spsc_endpoints_on_one_cpu_do_not_spin() {
    let block = cost_on_one_cpu(WaitStrategy::Block);
    let adaptive = cost_on_one_cpu(WaitStrategy::Adaptive);
    println!("on one CPU: {block:?} of CPU time by Block, {adaptive:?} by Adaptive");
    assert!(adaptive < 5 * block, "{adaptive:?} against {block:?}");
}

fn cost_on_one_cpu(waiting: WaitStrategy) -> Duration {
    const ROUNDS: u64 = 20_000;
    let (there, back) = (made(4), made(4));
    let before = used(UsageWho::RUSAGE_CHILDREN);
    let ends = |there: &Channel<u64>, back: &Channel<u64>, is_first: bool| {
        share_one_cpu();
        let (mut tx, mut rx) = if is_first {
            (there.sender().unwrap(), back.receiver().unwrap())
        } else {
            (back.sender().unwrap(), there.receiver().unwrap())
        };
        tx.set_wait_strategy(waiting);
        rx.set_wait_strategy(waiting);
        (tx, rx)
    };
    let tally = Tally::new(1, 0);
    let both_there = || {
        tally.add(0, 1);
        until(&tally, 2);
    };
    let first = Peer::start(|| {
        let (mut tx, mut rx) = ends(&there, &back, true);
        both_there();
        for i in 0..ROUNDS {
            tx.send(i).unwrap();
            assert_eq!(rx.recv().unwrap(), i + 1);
        }
    });
    let second = Peer::start(|| {
        let (mut tx, mut rx) = ends(&there, &back, false);
        both_there();
        for _ in 0..ROUNDS {
            let i = rx.recv().unwrap();
            tx.send(i + 1).unwrap();
        }
    });
    first.join();
    second.join();
    used(UsageWho::RUSAGE_CHILDREN) - before
}

/// Binds this process to the first CPU that it may use.
fn share_one_cpu() {
    let all = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let first = (0..CpuSet::count()).find(|cpu| all.is_set(*cpu).unwrap()).expect("one at least");
    let mut one = CpuSet::new();
    one.set(first).unwrap();
    sched_setaffinity(Pid::from_raw(0), &one).unwrap();
}

fn is_readable(readiness: &Readiness, within: Duration) -> bool {
    let timeout = PollTimeout::try_from(within).unwrap();
    poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], timeout).unwrap() == 1
}

/// An event loop is notified of messages from another process, and of its death.
#[serial_test]
fn spsc_readiness_signals_messages_and_death_of_the_sender() {
    let (channel, tally) = (made(4), Tally::new(1, 0));
    let sender = Peer::start(|| {
        let mut tx = channel.sender().unwrap();
        for i in 1..=20 {
            until(&tally, i);
            sleep(SHORT_TIMEOUT / 10);
            tx.send(i).unwrap();
        }
        pause();
    });
    let mut rx = channel.receiver().unwrap();
    let readiness = rx.readiness().unwrap();
    for i in 1..=20 {
        tally.set(0, i);
        let received = loop {
            assert!(is_readable(&readiness, LONG_TIMEOUT), "message {i}");
            readiness.clear().unwrap();
            match rx.try_recv() {
                // The sender may not have connected yet, which is not a disconnection.
                Err(e) if e.kind() == ErrorKind::Empty => {}
                received => break received.unwrap(),
            }
        };
        assert_eq!(received, i);
    }
    readiness.clear().unwrap();
    assert_eq!(kind(rx.try_recv()), ErrorKind::Empty);
    let began = Instant::now();
    sender.kill();
    while kind(rx.try_recv()) != ErrorKind::Disconnected {
        assert!(is_readable(&readiness, death_notice_timeout()), "no notification of the death");
        readiness.clear().unwrap();
    }
    assert!(began.elapsed() < death_notice_timeout(), "after {:?}", began.elapsed());
}
