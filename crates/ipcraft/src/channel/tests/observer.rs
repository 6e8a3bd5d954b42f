//! Observers of every kind of channel.

#![allow(unsafe_code, reason = "plain_struct! implements an unsafe trait")]

use std::os::fd::AsFd;

use crate::channel::{ChannelKind, EndpointRole, Observer, broadcast, latest, mpmc, request, spsc};
use crate::error::ErrorKind;
use crate::pid::Pid;
use crate::shm::memfd::Memfd;

crate::plain_struct! {
    #[derive(Debug, PartialEq)]
    struct Tick {
        id: u64,
        price: f64,
    }
}

fn bytes(observer: &Observer, most: usize) -> Vec<Vec<u8>> {
    observer.messages(most).unwrap().into_iter().map(|message| message.bytes).collect()
}

fn words(observer: &Observer, most: usize) -> Vec<u64> {
    bytes(observer, most).iter().map(|bytes| u64::from_ne_bytes(bytes[..8].try_into().unwrap())).collect()
}

fn roles(observer: &Observer) -> Vec<EndpointRole> {
    observer.endpoints().unwrap().iter().map(|endpoint| endpoint.role).collect()
}

#[test]
fn observer_of_spsc_sees_totals_and_copies_the_messages() {
    for start in [0, u64::MAX - 2] {
        let channel = spsc::Options::<Tick>::new().capacity(4).initial_position(start).anonymous().unwrap();
        let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        let observer = Observer::from_fd(channel.as_fd()).unwrap();
        assert_eq!(observer.kind(), ChannelKind::Spsc);
        assert_eq!(observer.description().as_str(), "{id:u64,price:f64}");
        assert!(observer.description().is_whole());
        assert_eq!((observer.capacity(), observer.message_len()), (4, 16));
        assert_eq!(words(&observer, 10), []);
        for id in 0..6 {
            tx.send(Tick { id, price: 0.5 }).unwrap();
            if id < 3 {
                rx.recv().unwrap();
            }
        }
        let stats = observer.stats().unwrap();
        let only = &stats.directions[0];
        assert_eq!((only.sent, only.received, only.depth), (6, Some(3), 3));
        assert_eq!(words(&observer, 10), [3, 4, 5]);
        assert_eq!(words(&observer, 2), [3, 4]);
        assert_eq!(observer.messages(1).unwrap()[0].position, 3);
        // Nothing was taken.
        assert_eq!(rx.recv().unwrap(), Tick { id: 3, price: 0.5 });
    }
}

#[test]
fn observer_lists_endpoints_while_they_exist() {
    let channel = mpmc::Options::<u64>::new().anonymous().unwrap();
    let observer = Observer::from_fd(channel.as_fd()).unwrap();
    assert_eq!(roles(&observer), []);
    let (tx, rx, rx2) = (channel.sender().unwrap(), channel.receiver().unwrap(), channel.receiver().unwrap());
    assert_eq!(roles(&observer), [EndpointRole::Sender, EndpointRole::Receiver, EndpointRole::Receiver]);
    let first = &observer.endpoints().unwrap()[0];
    assert_eq!(first.pid, Some(Pid::current()));
    assert!(first.started.is_some_and(|started| started <= first.registered_at));
    drop((tx, rx));
    assert_eq!(roles(&observer), [EndpointRole::Receiver]);
    drop(rx2);
    assert_eq!(roles(&observer), []);
    assert_eq!(observer.max_endpoints(), (64, 64));
}

#[test]
fn observer_of_mpmc_counts_every_message() {
    for start in [0, u64::MAX - 20] {
        let channel = mpmc::Options::<u64>::new().capacity(64).initial_position(start).anonymous().unwrap();
        let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        let observer = Observer::from_fd(channel.as_fd()).unwrap();
        for number in 0..150 {
            tx.send(number).unwrap();
            if number >= 40 {
                rx.recv().unwrap();
            }
            let stats = observer.stats().unwrap();
            let only = &stats.directions[0];
            let received = if number >= 40 { number - 39 } else { 0 };
            assert_eq!((only.sent, only.received), (number + 1, Some(received)), "{number}");
            assert_eq!(only.depth, number + 1 - received);
        }
        assert_eq!(words(&observer, 3), [110, 111, 112]);
        assert_eq!(words(&observer, usize::MAX).len(), 40);
        assert_eq!(rx.recv().unwrap(), 110);
    }
}

#[test]
fn observer_of_broadcast_sees_the_lag_of_each_subscriber() {
    for start in [0, u64::MAX - 2] {
        let options = broadcast::Options::<u64>::new().capacity(8).subscribers(3).initial_position(start);
        let channel = options.anonymous().unwrap();
        let mut tx = channel.publisher().unwrap();
        let observer = Observer::from_fd(channel.as_fd()).unwrap();
        let (mut fast, slow) = (channel.subscriber().unwrap(), channel.subscriber().unwrap());
        for number in 0..5 {
            tx.send(number).unwrap();
        }
        fast.recv().unwrap();
        fast.recv().unwrap();
        let lags: Vec<_> = observer.endpoints().unwrap().iter().map(|endpoint| endpoint.lag).collect();
        assert_eq!(lags, [None, Some(3), Some(5)]);
        let stats = observer.stats().unwrap();
        assert_eq!((stats.directions[0].sent, stats.directions[0].depth), (5, 5));
        assert_eq!(words(&observer, 3), [2, 3, 4]);
        drop(slow);
        assert_eq!(observer.stats().unwrap().directions[0].depth, 3);
        for number in 5..8 {
            tx.send(number).unwrap();
        }
        // The publisher may be writing to the slot of the oldest message.
        assert_eq!(words(&observer, 9), (1..8).collect::<Vec<_>>());
    }
}

#[test]
fn observer_of_lossy_broadcast_counts_lost_messages() {
    let overflow = broadcast::Overflow::Overwrite;
    let channel = broadcast::Options::<u64>::new().capacity(4).overflow(overflow).anonymous().unwrap();
    let (mut tx, mut rx) = (channel.publisher().unwrap(), channel.subscriber().unwrap());
    let observer = Observer::from_fd(channel.as_fd()).unwrap();
    for number in 0..9 {
        tx.send(number).unwrap();
    }
    assert_eq!(words(&observer, 9), [5, 6, 7, 8]);
    let Err(broadcast::RecvError::Lagged(lost)) = rx.recv() else { panic!("a loss") };
    let stats = observer.stats().unwrap();
    assert_eq!((stats.directions[0].receivers.lagged, stats.directions[0].received), (lost, None));
    assert_eq!(observer.overflow(), Some(overflow));
}

#[test]
fn observer_of_latest_copies_the_newest_value() {
    for start in [0, u64::MAX - 1] {
        let channel = latest::Options::<u64>::new().initial_position(start).anonymous().unwrap();
        let observer = Observer::from_fd(channel.as_fd()).unwrap();
        let mut tx = channel.writer().unwrap();
        assert_eq!(words(&observer, 5), []);
        for value in 1..4 {
            tx.store(value * 7);
            assert_eq!(words(&observer, 5), [value * 7]);
        }
        assert_eq!(observer.stats().unwrap().directions[0].sent, 3);
    }
}

#[test]
fn observer_of_bytes_copies_records() {
    for start in [0, u64::MAX - 3] {
        let channel = spsc::bytes::Options::new().capacity(256).initial_position(start).anonymous().unwrap();
        let (mut tx, mut rx) = (channel.sender().unwrap(), channel.receiver().unwrap());
        let observer = Observer::from_fd(channel.as_fd()).unwrap();
        assert_eq!(observer.description().as_str(), "bytes");
        let mut buffer = Vec::new();
        for round in 0..20 {
            tx.send(b"one").unwrap();
            tx.send(&[round; 40]).unwrap();
            assert_eq!(bytes(&observer, 9), [b"one".to_vec(), vec![round; 40]]);
            let stats = observer.stats().unwrap();
            let only = &stats.directions[0];
            assert_eq!(only.depth, only.sent - only.received.unwrap());
            assert!((64..200).contains(&only.depth), "{}", only.depth);
            rx.recv(&mut buffer).unwrap();
            assert_eq!(bytes(&observer, 9), [vec![round; 40]]);
            rx.recv(&mut buffer).unwrap();
            assert_eq!(bytes(&observer, 9), [] as [Vec<u8>; 0]);
        }
    }
}

#[test]
fn observer_of_request_sees_both_directions() {
    let channel = request::Options::<u64, [u8; 3]>::new().capacity(4).anonymous().unwrap();
    let (mut client, mut server) = (channel.client().unwrap(), channel.server().unwrap());
    let observer = Observer::from_fd(channel.as_fd()).unwrap();
    assert_eq!(observer.description().as_str(), "{request:u64,reply:[u8;3]}");
    client.send(7).unwrap();
    client.send(8).unwrap();
    let request = server.recv().unwrap();
    request.respond([1, 2, 3]).unwrap();
    let found = observer.messages(9).unwrap();
    let of = |direction| found.iter().filter(|m| m.direction == direction).collect::<Vec<_>>();
    assert_eq!(of(0).len(), 1);
    assert_eq!(of(0)[0].bytes, 8u64.to_ne_bytes());
    assert_eq!(of(1)[0].bytes, [1, 2, 3]);
    let stats = observer.stats().unwrap();
    assert_eq!((stats.directions[0].sent, stats.directions[1].sent), (2, 1));
    assert_eq!(roles(&observer), [EndpointRole::Client, EndpointRole::Server]);
}

#[test]
fn observer_of_other_memory_fails_with_wrong_type() {
    let small = Memfd::create("small", 100).unwrap();
    assert_eq!(Observer::from_fd(&small).unwrap_err().kind(), ErrorKind::WrongType);
    let zeros = Memfd::create("zeros", 1 << 14).unwrap();
    assert_eq!(Observer::from_fd(&zeros).unwrap_err().kind(), ErrorKind::InUse);
    let (pipe, _writer) = std::io::pipe().unwrap();
    assert_eq!(Observer::from_fd(&pipe).unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(Observer::open("/no such channel").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn open_with_another_type_shows_both_descriptions_and_the_difference() {
    crate::plain_struct! {
        struct Other {
            id: u64,
            price: u64,
        }
    }
    let name = format!("/{}", crate::name::unique("observer-mismatch"));
    let _channel = spsc::Options::<Tick>::new().remove_on_drop(true).create_new(&name).unwrap();
    let error = spsc::Channel::<Other>::open(&name).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "open channel {name}: wrong type of object: {{id:u64,price:u64}} (16 bytes) needed, \
             the layout of its messages is {{id:u64,price:f64}} (16 bytes); \
             first difference: price:f64, not price:u64"
        )
    );
}

#[test]
fn layout_with_a_long_description_is_compared_whole() {
    type Long = [[[[Wide; 1]; 1]; 1]; 1];
    crate::plain_struct! {
        struct Wide {
            a_field_with_a_long_name: [[[[[[[[[[u8; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1],
        }
    }
    crate::plain_struct! {
        struct Wider {
            a: [Wide; 2], b: [Wide; 2], c: [Wide; 2], d: [Wide; 2], e: [Wide; 2], f: [Wide; 2],
            g: [Wide; 2], h: [Wide; 2], i: [Wide; 2], j: [Wide; 2], k: [Wide; 2], l: Long,
            m: [Wide; 2], n: [Wide; 2], o: [Wide; 2], p: [Wide; 2], q: [Wide; 2], last: u8,
        }
    }
    let channel = spsc::Options::<Wider>::new().anonymous().unwrap();
    let observer = Observer::from_fd(channel.as_fd()).unwrap();
    assert!(!observer.description().is_whole());
    assert_eq!(observer.description().as_str().len(), 1016);
    assert_eq!(observer.message_len(), size_of::<Wider>() as u64);
    let fd = channel.as_fd().try_clone_to_owned().unwrap();
    assert!(spsc::Channel::<Wider>::from_received(fd).is_ok());
}
