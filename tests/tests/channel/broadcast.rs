use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use ipcraft::ErrorKind;
use ipcraft::channel::broadcast::{Channel, Options, Overflow, Publisher, RecvError, Subscriber};
use ipcraft::channel::{WaitStrategy, spsc};
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, death_notice_timeout};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pause;

use super::{fresh, once_replaced};

/// All words are the same number: how many messages were sent before.
type Numbered = [u64; 9];

fn make(name: &str, overflow: Overflow) -> Channel<Numbered> {
    let options = Options::new().overflow(overflow).capacity(8).subscribers(4).remove_on_drop(true);
    options.initial_position(u64::MAX - 9).create_new(name).unwrap()
}

/// A subscriber that blocks without spinning, so that a test can see when it waits.
fn join(name: &str) -> Subscriber<Numbered> {
    let mut subscriber = Subscriber::open(name).unwrap();
    subscriber.set_wait_strategy(WaitStrategy::Block);
    subscriber
}

fn number(message: Numbered) -> u64 {
    assert!(message.iter().all(|word| *word == message[0]), "torn: {message:?}");
    message[0]
}

/// Receives until the publisher is gone, and returns how many messages it received and missed.
fn follow(subscriber: &mut Subscriber<Numbered>) -> (u64, u64) {
    let (mut got, mut missed) = (0, 0);
    for received in subscriber {
        match received {
            Ok(message) => {
                assert_eq!(number(message), got + missed);
                got += 1;
            }
            Err(RecvError::Lagged(number)) => missed += number,
            Err(e) => panic!("{e}"),
        }
    }
    (got, missed)
}

fn publish(name: &str, numbers: std::ops::Range<u64>) {
    let mut publisher = Publisher::open(name).unwrap();
    numbers.for_each(|i| publisher.send([i; 9]).unwrap());
}

/// Three subscribers that receive everything, and are blocked.
fn followers(name: &str, check: fn(u64, u64)) -> [Peer; 3] {
    [(); 3].map(|()| {
        let peer = Peer::start(|| {
            let (got, missed) = follow(&mut join(name));
            check(got, missed);
        });
        peer.wait_asleep();
        peer
    })
}

#[serial_test]
fn broadcast_reaches_every_process() {
    let name = fresh();
    let _made = make(&name, Overflow::Block);
    let peers = followers(&name, |got, missed| assert_eq!((got, missed), (20_000, 0)));
    publish(&name, 0..20_000);
    peers.into_iter().for_each(Peer::join);
}

#[serial_test]
fn broadcast_overwriting_reports_lagged_messages_to_every_process() {
    let name = fresh();
    let _made = make(&name, Overflow::Overwrite);
    let peers = followers(&name, |got, missed| {
        assert_eq!(got + missed, 100_000);
        assert!(got > 0);
    });
    publish(&name, 0..100_000);
    peers.into_iter().for_each(Peer::join);
}

#[serial_test]
fn broadcast_slowest_subscriber_killed_unblocks_publisher() {
    let name = fresh();
    let made = make(&name, Overflow::Block);
    let slow = Peer::start(|| {
        let _subscriber = join(&name);
        pause();
    });
    slow.wait_asleep();
    let fast = Peer::start(|| {
        let (got, _) = follow(&mut join(&name));
        assert_eq!(got, 100);
    });
    fast.wait_asleep();
    let mut publisher = made.publisher().unwrap();
    publisher.set_wait_strategy(WaitStrategy::Block);
    (0..8).for_each(|i| publisher.try_send([i; 9]).unwrap());
    assert_eq!(publisher.try_send([8; 9]).unwrap_err().kind(), ErrorKind::Full);
    let killer = thread::spawn(move || {
        sleep(Duration::from_millis(100));
        slow.kill();
        Instant::now()
    });
    publisher.send_timeout([8; 9], LONG_TIMEOUT).unwrap();
    let unblocked = Instant::now();
    assert!(unblocked.saturating_duration_since(killer.join().unwrap()) < death_notice_timeout());
    (9..100).for_each(|i| publisher.send([i; 9]).unwrap());
    drop(publisher);
    fast.join();
}

#[serial_test]
fn broadcast_slowest_subscriber_killed_signals_readiness() {
    let name = fresh();
    let made = make(&name, Overflow::Block);
    let slow = Peer::start(|| {
        let _subscriber = join(&name);
        pause();
    });
    slow.wait_asleep();
    let mut fast = join(&name);
    let mut publisher = made.publisher().unwrap();
    let readiness = publisher.readiness().unwrap();
    (0..8).for_each(|i| publisher.try_send([i; 9]).unwrap());
    assert_eq!(fast.drain().count(), 8);
    slow.kill();
    let end = Instant::now() + LONG_TIMEOUT;
    loop {
        readiness.clear().unwrap();
        match publisher.try_send([8; 9]) {
            Ok(()) => break,
            Err(e) => assert_eq!(e.kind(), ErrorKind::Full),
        }
        let left = end.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap();
        let heard = poll(&mut [PollFd::new(readiness.as_fd(), PollFlags::POLLIN)], timeout).unwrap();
        assert_eq!(heard, 1, "no notification that there is room");
    }
    assert_eq!(number(fast.recv().unwrap()), 8);
}

#[serial_test]
fn broadcast_send_after_last_subscriber_killed_returns_disconnected() {
    let name = fresh();
    let made = make(&name, Overflow::Block);
    let only = Peer::start(|| {
        let _subscriber = join(&name);
        pause();
    });
    only.wait_asleep();
    let publishing = Peer::start(|| {
        let mut publisher = Publisher::<Numbered>::open(&name).unwrap();
        publisher.set_wait_strategy(WaitStrategy::Block);
        publisher.send_all(&[[0; 9]; 8]).unwrap();
        let rejected = publisher.send([7; 9]).unwrap_err();
        assert_eq!(rejected.kind(), ErrorKind::Disconnected);
        assert_eq!(rejected.into_message(), [7; 9]);
    });
    publishing.wait_asleep();
    only.kill();
    let killed = Instant::now();
    publishing.join();
    assert!(killed.elapsed() < death_notice_timeout());
    // The slots that the killed subscriber held are free again.
    let mut next = made.subscriber().unwrap();
    publish(&name, 0..8);
    assert_eq!(follow(&mut next), (8, 0));
}

#[serial_test]
fn broadcast_recv_after_publisher_killed_returns_disconnected() {
    let name = fresh();
    let _made = make(&name, Overflow::Block);
    let followers = followers(&name, |got, missed| assert_eq!((got, missed), (8, 0)));
    let publishing = Peer::start(|| {
        let mut publisher = Publisher::<Numbered>::open(&name).unwrap();
        (0..8).for_each(|i| publisher.send([i; 9]).unwrap());
        // Never committed.
        publisher.loan().unwrap().set(&[8; 9]);
        pause();
    });
    publishing.wait_asleep();
    for follower in &followers {
        follower.wait_asleep();
    }
    publishing.kill();
    let killed = Instant::now();
    followers.into_iter().for_each(Peer::join);
    assert!(killed.elapsed() < death_notice_timeout());
}

/// Messages that were sent are received, and the message in progress is received whole or not at
/// all.
#[serial_test]
fn broadcast_publishers_killed_lose_no_sent_message() {
    ipcraft::shared_struct! {
        struct Progress {
            sent: AtomicU64,
        }
    }
    let name = fresh();
    let made = make(&name, Overflow::Block);
    let memory = Memfd::create("progress", Shared::<Progress>::SIZE).unwrap();
    let progress = Shared::initialize(memory.map().unwrap(), |_: &Progress| Ok(())).unwrap();
    let mut subscriber = made.subscriber().unwrap();
    let mut next = 0;
    for round in 0..20 {
        let publishing = Peer::start(|| {
            let mut publisher = Publisher::<Numbered>::open(&name).unwrap();
            for i in next.. {
                publisher.send([i; 9]).unwrap();
                progress.sent.store(i + 1, SeqCst);
            }
        });
        for _ in 0..=round * 100 {
            let message = once_replaced(|| subscriber.recv_timeout(LONG_TIMEOUT), RecvError::kind);
            assert_eq!(number(message), next);
            next += 1;
        }
        publishing.kill();
        for message in &mut subscriber {
            assert_eq!(number(message.unwrap()), next);
            next += 1;
        }
        let sent = progress.sent.load(SeqCst);
        assert!((sent..=sent + 1).contains(&next), "{sent} sent, {next} received");
    }
}

/// A steady subscriber receives everything while others join and are killed, and another can always
/// join.
#[serial_test]
fn broadcast_subscribers_killed_do_not_disturb_others() {
    let name = fresh();
    let made = Options::new().capacity(8).subscribers(2).remove_on_drop(true).create_new(&name).unwrap();
    let steady = Peer::start(|| {
        follow(&mut join(&name));
    });
    steady.wait_asleep();
    let publishing = Peer::start(|| publish(&name, 0..u64::MAX));
    for round in 0..60 {
        let visitor = Peer::start(|| {
            let mut subscriber = join(&name);
            let first = number(subscriber.recv().unwrap());
            for i in 1.. {
                assert_eq!(number(subscriber.recv().unwrap()), first + i);
            }
        });
        sleep(Duration::from_micros(300 * (round % 20)));
        let ended = visitor.has_status_change().unwrap();
        assert!(!ended, "the visitor failed");
        visitor.kill();
    }
    let mut last = made.subscriber().unwrap();
    let first = number(last.recv_timeout(LONG_TIMEOUT).unwrap());
    assert_eq!(number(last.recv_timeout(LONG_TIMEOUT).unwrap()), first + 1);
    drop(last);
    publishing.kill();
    steady.join();
}

/// A child that drops its copy of an endpoint does not affect its parent.
#[serial_test]
fn broadcast_forked_copy_dropped_keeps_the_subscriber_of_the_parent() {
    let name = fresh();
    let made = make(&name, Overflow::Block);
    let (mut publisher, subscriber) = (made.publisher().unwrap(), made.subscriber().unwrap());
    let mut kept = Some(subscriber);
    let kept = &mut kept;
    // Not moved, so the parent has it too.
    Peer::start(|| drop(kept.take())).join();
    (0..8).for_each(|i| publisher.try_send([i; 9]).unwrap());
    assert_eq!(publisher.try_send([8; 9]).unwrap_err().kind(), ErrorKind::Full);
    drop(publisher);
    let mut subscriber = kept.take().unwrap();
    assert_eq!(follow(&mut subscriber), (8, 0));
}

#[serial_test]
fn broadcast_second_publisher_is_refused() {
    let name = fresh();
    let _made = make(&name, Overflow::Block);
    let owner = Peer::start(|| {
        let _publisher = Publisher::<Numbered>::open(&name).unwrap();
        pause();
    });
    owner.wait_asleep();
    assert_eq!(Publisher::<Numbered>::open(&name).unwrap_err().kind(), ErrorKind::InUse);
    owner.kill();
    drop(Publisher::<Numbered>::open(&name).unwrap());

    let refused = [
        Publisher::<[u64; 8]>::open(&name).unwrap_err(),
        Publisher::<[i64; 9]>::open(&name).unwrap_err(),
        spsc::Sender::<Numbered>::open(&name).unwrap_err(),
        Options::<Numbered>::new().capacity(16).open(&name).unwrap_err(),
        Options::<Numbered>::new().subscribers(5).open(&name).unwrap_err(),
        Options::<Numbered>::new().overflow(Overflow::Overwrite).open(&name).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
    }
}
