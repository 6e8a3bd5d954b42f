//! Tests of `broadcast`.

use crate::ErrorKind;
use crate::channel::broadcast::*;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

const STARTS: [u64; 6] = [0, 1, u32::MAX as u64 - 5, (1 << 62) - 5, u64::MAX / 2 - 5, u64::MAX - 5];

fn made(overflow: Overflow, start: u64) -> Channel<u64> {
    Options::new().overflow(overflow).subscribers(3).capacity(4).initial_position(start).anonymous().unwrap()
}

#[test]
fn each_gets_what_is_sent_after_it_came() {
    for start in STARTS {
        for overflow in [Overflow::Block, Overflow::Overwrite] {
            let channel = made(overflow, start);
            let mut publisher = channel.publisher().unwrap();
            publisher.send_all(&[90, 91, 92, 93, 94]).unwrap();
            let mut one = channel.subscriber().unwrap();
            assert_eq!(one.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            for i in 0..20 {
                publisher.send(i).unwrap();
                let mut two = publisher.subscriber().unwrap();
                publisher.try_send(i + 100).unwrap();
                assert_eq!(one.recv().unwrap(), i);
                assert_eq!(one.recv().unwrap(), i + 100);
                assert_eq!(two.recv().unwrap(), i + 100);
                assert_eq!(two.try_recv().unwrap_err().kind(), ErrorKind::Empty);
            }
            publisher.send_all(&[5, 6, 7]).unwrap();
            assert_eq!(one.drain().map(std::result::Result::unwrap).collect::<Vec<_>>(), [5, 6, 7]);
            publisher.send_all(&[8, 9]).unwrap();
            drop(publisher);
            assert_eq!(one.iter().map(std::result::Result::unwrap).collect::<Vec<_>>(), [8, 9]);
            let mut publisher = channel.publisher().unwrap();
            assert_eq!(channel.publisher().unwrap_err().kind(), ErrorKind::InUse);
            publisher.send(10).unwrap();
            assert_eq!(one.recv().unwrap(), 10);
        }
    }
}

#[test]
fn the_slowest_holds_the_publisher_back() {
    for start in STARTS {
        let channel = made(Overflow::Block, start);
        let mut publisher = channel.publisher().unwrap();
        let (mut fast, mut slow) = (channel.subscriber().unwrap(), channel.subscriber().unwrap());
        for i in 0..4 {
            publisher.send(i).unwrap();
            assert_eq!(fast.recv().unwrap(), i);
        }
        for _ in 0..2 {
            let full = publisher.try_send(9).unwrap_err();
            assert_eq!((full.kind(), full.into_message()), (ErrorKind::Full, 9));
        }
        let late = publisher.send_timeout(9, Duration::from_millis(3)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        assert_eq!(slow.recv().unwrap(), 0);
        publisher.try_send(4).unwrap();
        let some = publisher.try_send_all(&[5, 6]).unwrap_err();
        assert_eq!((some.kind(), some.sent()), (ErrorKind::Full, 0));
        drop(slow);
        publisher.try_send_all(&[5, 6, 7]).unwrap();
        assert_eq!(fast.drain().map(std::result::Result::unwrap).collect::<Vec<_>>(), [4, 5, 6, 7]);
    }
}

#[test]
fn recv_after_an_overwrite_returns_the_number_of_missed_messages() {
    for start in STARTS {
        let channel = made(Overflow::Overwrite, start);
        let (mut publisher, mut slow) = (channel.publisher().unwrap(), channel.subscriber().unwrap());
        for sent in 1..30 {
            (0..sent).for_each(|i| publisher.try_send(i).unwrap());
            let (mut next, mut hint) = (0, 0);
            while next < sent {
                match slow.recv() {
                    Ok(message) => {
                        assert_eq!(message, next);
                        next += 1;
                    }
                    Err(RecvError::Lagged(number)) => {
                        next += number;
                        hint += 1;
                    }
                    Err(e) => panic!("{e}"),
                }
            }
            assert_eq!((next, hint), (sent, u64::from(sent > 4)));
            assert_eq!(slow.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        }
    }
}

#[test]
fn messages_come_back_when_all_have_left() {
    let channel = made(Overflow::Block, 0);
    let mut publisher = channel.publisher().unwrap();
    (0..9).for_each(|i| publisher.send(i).unwrap());
    drop(channel.subscriber().unwrap());
    let alone = publisher.send(1).unwrap_err();
    assert_eq!((alone.kind(), alone.into_message()), (ErrorKind::Disconnected, 1));
    let mut next = channel.subscriber().unwrap();
    publisher.send(2).unwrap();
    assert_eq!(next.recv().unwrap(), 2);
}

#[test]
fn from_fd_continues_where_the_endpoint_was() {
    for overflow in [Overflow::Block, Overflow::Overwrite] {
        let channel = made(overflow, 7);
        let (mut publisher, mut one) = (channel.publisher().unwrap(), channel.subscriber().unwrap());
        publisher.send_all(&[1, 2]).unwrap();
        assert_eq!(one.recv().unwrap(), 1);
        let fd = one.into_fd().unwrap();
        let mut publisher = Publisher::<u64>::from_fd(publisher.into_fd().unwrap()).unwrap();
        publisher.send(3).unwrap();
        let mut one = Subscriber::<u64>::from_fd(fd).unwrap();
        assert_eq!((one.recv().unwrap(), one.recv().unwrap()), (2, 3));
        let fd = one.into_fd().unwrap();
        assert_eq!(Publisher::<u64>::from_fd(fd).unwrap_err().kind(), ErrorKind::WrongType);
        assert_eq!(publisher.send(1).unwrap_err().kind(), ErrorKind::Disconnected);
    }
}

#[test]
fn what_is_overwritten_while_it_is_read_in_place_is_an_error() {
    let channel = made(Overflow::Overwrite, 0);
    let (mut publisher, mut one) = (channel.publisher().unwrap(), channel.subscriber().unwrap());
    publisher.send_all(&[1, 2]).unwrap();
    let held = one.recv_in_place().unwrap();
    assert_eq!((held.get().unwrap(), held.len()), (1, 8));
    publisher.send_all(&[3, 4]).unwrap();
    held.check().unwrap();
    let mut loan = publisher.loan().unwrap();
    assert_eq!(held.get().unwrap_err().kind(), ErrorKind::Lagged);
    assert_eq!(held.read_at(0, &mut [0; 8]).unwrap_err().kind(), ErrorKind::Lagged);
    loan.set(&5);
    drop(held);
    assert!(matches!(one.recv(), Err(RecvError::Lagged(2))));
    assert_eq!((one.recv().unwrap(), one.recv().unwrap()), (3, 4));
    assert_eq!(one.try_recv().unwrap_err().kind(), ErrorKind::Empty);
    loan.commit();
    assert_eq!(one.recv_in_place().unwrap().get().unwrap(), 5);
    assert_eq!(one.try_recv().unwrap_err().kind(), ErrorKind::Empty);
}

#[test]
fn a_loan_that_is_dropped_sends_nothing() {
    for overflow in [Overflow::Block, Overflow::Overwrite] {
        let channel = made(overflow, 0);
        let (mut publisher, mut one) = (channel.publisher().unwrap(), channel.subscriber().unwrap());
        publisher.loan().unwrap().set(&1);
        assert_eq!(one.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        publisher.send(2).unwrap();
        assert_eq!(one.recv().unwrap(), 2);
    }
}

#[test]
fn what_the_creator_chose_holds_for_all() {
    let made = Options::<u64>::new().overflow(Overflow::Overwrite).subscribers(2).anonymous().unwrap();
    assert_eq!((made.overflow(), made.subscribers(), made.capacity()), (Overflow::Overwrite, 2, 1024));
    let (_one, _two) = (made.subscriber().unwrap(), made.subscriber().unwrap());
    let third = made.subscriber().unwrap_err();
    assert_eq!((third.kind(), third.limit().unwrap().value()), (ErrorKind::LimitReached, 2));
    assert!(Options::<u64>::new().subscribers(128).anonymous().is_err());
    assert_eq!(Options::<u64>::new().subscribers(127).anonymous().unwrap().subscribers(), 127);

    let name = format!("/{}", crate::name::unique("broadcast-test"));
    let options = Options::<u64>::new().subscribers(5).capacity(64).remove_on_drop(true);
    let made = options.create_new(&name).unwrap();
    assert_eq!(made.overflow(), Overflow::Block);
    Options::<u64>::new().subscribers(5).open(&name).unwrap();
    Options::<u64>::new().overflow(Overflow::Block).open(&name).unwrap();
    Options::<u64>::new().capacity(64).open(&name).unwrap();
    for other in [
        Options::<u64>::new().subscribers(6),
        Options::<u64>::new().overflow(Overflow::Overwrite),
        Options::<u64>::new().capacity(128),
    ] {
        assert_eq!(other.open(&name).unwrap_err().kind(), ErrorKind::WrongType);
    }
    assert_eq!(Channel::<i64>::open(&name).unwrap_err().kind(), ErrorKind::WrongType);
    let spsc = super::super::spsc::Channel::<u64>::open(&name).unwrap_err();
    assert_eq!(spsc.kind(), ErrorKind::WrongType);
}

/// Receives until the publisher is gone; what it got has to follow each other.
fn follow(mut subscriber: Subscriber<[u64; 9]>, most: u64) -> (u64, u64) {
    let (mut next, mut got, mut missed) = (None, 0, 0);
    while got < most {
        match subscriber.recv() {
            Ok(message) => {
                assert!(message.iter().all(|word| *word == message[0]), "torn: {message:?}");
                assert_eq!(next.unwrap_or(message[0]), message[0]);
                next = Some(message[0] + 1);
                got += 1;
            }
            Err(RecvError::Lagged(number)) => {
                missed += number;
                next = next.map(|next| next + number);
            }
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Disconnected);
                break;
            }
        }
    }
    (got, missed)
}

#[test]
fn subscribers_come_and_go_while_messages_pass() {
    const SENT: u64 = 30_000;
    for overflow in [Overflow::Block, Overflow::Overwrite] {
        let options =
            Options::<[u64; 9]>::new().overflow(overflow).capacity(8).initial_position(u64::MAX - 99);
        let channel = options.anonymous().unwrap();
        let mut publisher = channel.publisher().unwrap();
        let steady = channel.subscriber().unwrap();
        let come_and_go = |mut subscriber| {
            let mut got = 0;
            loop {
                let (some, missed) = follow(subscriber, 50);
                assert!(overflow == Overflow::Overwrite || missed == 0);
                if some == 0 {
                    return got;
                }
                got += some;
                subscriber = channel.subscriber().unwrap();
            }
        };
        let first = [channel.subscriber().unwrap(), channel.subscriber().unwrap()];
        thread::scope(|scope| {
            let steady = scope.spawn(move || follow(steady, u64::MAX));
            let visitors = first.map(|first| scope.spawn(move || come_and_go(first)));
            (0..SENT).for_each(|i| publisher.send([i; 9]).unwrap());
            drop(publisher);
            let (got, missed) = steady.join().unwrap();
            assert_eq!(got + missed, SENT);
            assert!(overflow == Overflow::Overwrite || missed == 0);
            visitors.into_iter().for_each(|visitor| assert!(visitor.join().unwrap() > 0));
        });
    }
}

#[test]
fn recv_from_random_memory_returns() {
    use crate::channel::shared::header::HEADER_LEN;
    for seed in 1..200u64 {
        for overflow in [Overflow::Block, Overflow::Overwrite] {
            let channel = made(overflow, 0);
            let (mut publisher, mut one) = (channel.publisher().unwrap(), channel.subscriber().unwrap());
            (0..3).for_each(|i| publisher.send(i).unwrap());
            let fd = channel.as_fd().try_clone_to_owned().unwrap();
            let memory = crate::shm::memfd::Memfd::try_from(fd).unwrap().map().unwrap();
            let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let bytes = (0..memory.len()).map(|_| {
                random = random.rotate_left(5) ^ random.wrapping_mul(0x2545_F491_4F6C_DD1D);
                if seed % 3 == 0 { seed as u8 } else { (random >> 56) as u8 }
            });
            let bytes: Vec<u8> = bytes.collect();
            let from = if seed % 2 == 0 { 0 } else { HEADER_LEN };
            memory.write_at(from, &bytes[from..]).unwrap();
            for i in 0..9 {
                let _ = publisher.send_timeout(i, Duration::from_micros(10));
                let _ = one.recv_timeout(Duration::from_micros(10));
                let _ = one.recv_in_place_timeout(Duration::ZERO).map(|held| held.get().map(drop));
                one.drain().take(99).for_each(drop);
            }
            drop((publisher, one));
            for _ in 0..2 {
                if let Ok(mut publisher) = channel.publisher() {
                    let _ = publisher.try_send_all(&[1, 2, 3]);
                }
                if let Ok(mut subscriber) = channel.subscriber() {
                    let _ = subscriber.try_recv();
                }
            }
        }
    }
}
