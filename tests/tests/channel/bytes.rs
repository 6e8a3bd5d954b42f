use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::channel::spsc::bytes::{Channel, Options, Receiver, Sender};
use ipcraft::channel::{WaitStrategy, request, spsc};
use ipcraft::shm::{Shared, memfd::Memfd};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, death_notice_timeout};
use nix::unistd::pause;

use super::{fresh, once_replaced};

const CAPACITY: usize = 4096;

fn make(name: &str) -> Channel {
    let options = Options::new().capacity(CAPACITY).remove_on_drop(true);
    // In words, of which the ring has 512.
    options.initial_position(u64::MAX - 99).create_new(name).unwrap()
}

/// The record of this number: its length and each byte follow from the number.
fn record(number: u32) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9e37_79b9) >> 12;
    let length = 4 + mixed % if number.is_multiple_of(3) { 1900 } else { 60 };
    let rest = (4..length).map(|i| (number.wrapping_add(i * 7) % 251) as u8);
    number.to_le_bytes().into_iter().chain(rest).collect()
}

/// The number of a record, which has to be whole.
fn number(found: &[u8]) -> u32 {
    let number = u32::from_le_bytes(found[..4].try_into().unwrap());
    assert!(found == record(number), "torn: {number}");
    number
}

fn send(name: &str, numbers: impl Iterator<Item = u32>) {
    let mut sender = Sender::open(name).unwrap();
    numbers.for_each(|i| sender.send(&record(i)).unwrap());
}

#[serial_test]
fn bytes_records_of_every_length_arrive_in_order() {
    const COUNT: u32 = 20_000;
    for waiting in [WaitStrategy::Adaptive, WaitStrategy::Block] {
        let name = fresh();
        let _made = make(&name);
        let mut receiver = Receiver::open(&name).unwrap();
        receiver.set_wait_strategy(waiting);
        let peer = Peer::start(|| send(&name, 0..COUNT));
        let mut wanted = 0;
        for received in &mut receiver {
            assert_eq!(number(&received.unwrap()), wanted);
            wanted += 1;
        }
        assert_eq!(wanted, COUNT);
        peer.join();
    }
}

/// Each way to send and to receive, in turn.
#[serial_test]
fn bytes_records_written_and_read_in_place_arrive() {
    const COUNT: u32 = 9000;
    let name = fresh();
    let _made = make(&name);
    let mut receiver = Receiver::open(&name).unwrap();
    let peer = Peer::start(|| {
        let mut sender = Sender::open(&name).unwrap();
        for i in (0..COUNT).step_by(3) {
            let [first, second, third] = [0, 1, 2].map(|more| record(i + more));
            let mut loan = sender.loan(sender.max_message_len()).unwrap();
            loan.write_at(0, &first).unwrap();
            loan.commit_len(first.len()).unwrap();
            sender.send_all(&[second, third]).unwrap();
        }
    });
    let (mut wanted, mut array) = (0, [0; 2048]);
    let mut check = |found: &[u8]| {
        assert_eq!(number(found), wanted);
        wanted += 1;
        wanted
    };
    loop {
        let received = match receiver.recv_in_place() {
            Ok(place) => check(&place.to_vec()),
            Err(e) => break assert_eq!(e.kind(), ErrorKind::Disconnected),
        };
        if received == COUNT {
            continue;
        }
        let length = receiver.recv_into_timeout(&mut array, LONG_TIMEOUT).unwrap();
        check(&array[..length]);
        receiver.for_each_available(|place| _ = check(&place.to_vec())).unwrap();
    }
    assert_eq!(wanted, COUNT);
    peer.join();
}

#[serial_test]
fn bytes_recv_after_sender_killed_returns_disconnected() {
    let name = fresh();
    let made = make(&name);
    let receiving = Peer::start(|| {
        let mut receiver = Receiver::open(&name).unwrap();
        receiver.set_wait_strategy(WaitStrategy::Block);
        let found: Vec<_> = receiver.iter().map(|found| number(&found.unwrap())).collect();
        assert_eq!(found, [1]);
    });
    receiving.wait_asleep();
    let sending = Peer::start(|| {
        let mut sender = Sender::open(&name).unwrap();
        sender.send(&record(1)).unwrap();
        // Never committed.
        let mut loan = sender.loan(100).unwrap();
        loan.fill(7);
        pause();
    });
    sending.wait_asleep();
    receiving.wait_asleep();
    sending.kill();
    let killed = Instant::now();
    receiving.join();
    assert!(killed.elapsed() < death_notice_timeout());
    let mut receiver = made.receiver().unwrap();
    Peer::start(|| send(&name, 2..3)).join();
    assert_eq!(number(&receiver.recv_in_place().unwrap().to_vec()), 2);
}

#[serial_test]
fn bytes_send_after_receiver_killed_returns_disconnected() {
    let name = fresh();
    let made = make(&name);
    let receiving = Peer::start(|| {
        let mut receiver = Receiver::open(&name).unwrap();
        let _first = receiver.recv_in_place().unwrap();
        pause();
    });
    let sending = Peer::start(|| {
        let mut sender = Sender::open(&name).unwrap();
        sender.set_wait_strategy(WaitStrategy::Block);
        let error = (0..).find_map(|i| sender.send(&record(i)).err()).unwrap();
        assert_eq!(error.kind(), ErrorKind::Disconnected);
    });
    receiving.wait_asleep();
    sending.wait_asleep();
    receiving.kill();
    let killed = Instant::now();
    sending.join();
    assert!(killed.elapsed() < death_notice_timeout());
    // Also the record that the killed receiver held.
    let mut next = 0;
    for found in &mut made.receiver().unwrap() {
        assert_eq!(number(&found.unwrap()), next);
        next += 1;
    }
    assert!(next > 1);
}

ipcraft::shared_struct! {
    /// The progress of a process that may be killed.
    struct Progress {
        done: AtomicU32,
        /// The records that killed receivers received and could not count.
        lost: AtomicU32,
    }
}

fn progress() -> Shared<Progress> {
    let memory = Memfd::create("progress", Shared::<Progress>::SIZE).unwrap();
    Shared::initialize(memory.map().unwrap(), |_: &Progress| Ok(())).unwrap()
}

/// Records that were sent are received, and the record in progress is received whole or not at all.
#[serial_test]
fn bytes_senders_killed_lose_no_sent_record() {
    let (name, progress) = (fresh(), progress());
    let made = make(&name);
    let mut receiver = made.receiver().unwrap();
    let (mut found, mut next) = (Vec::new(), 0);
    for round in 0..30 {
        let sending = Peer::start(|| {
            let mut sender = Sender::open(&name).unwrap();
            for i in next.. {
                sender.send(&record(i)).unwrap();
                progress.done.store(i + 1, SeqCst);
            }
        });
        for _ in 0..=round * 50 {
            once_replaced(|| receiver.recv_timeout(&mut found, LONG_TIMEOUT), Error::kind);
            assert_eq!(number(&found), next);
            next += 1;
        }
        sending.kill();
        for found in &mut receiver {
            assert_eq!(number(&found.unwrap()), next);
            next += 1;
        }
        let sent = progress.done.load(SeqCst);
        assert!((sent..=sent + 1).contains(&next), "{sent} sent, {next} received");
    }
}

/// A killed receiver loses at most the record that it was receiving.
#[serial_test]
fn bytes_receivers_killed_lose_at_most_one_record_each() {
    const COUNT: u32 = 50_000;
    const KILLS: u32 = 30;
    let (name, progress) = (fresh(), progress());
    let made = make(&name);
    let sending = Peer::start(|| {
        let mut sender = Sender::open(&name).unwrap();
        (0..COUNT).for_each(|i| once_replaced(|| sender.send(&record(i)), Error::kind));
    });
    let receive = |receiver: &mut Receiver| {
        let before = progress.done.load(SeqCst);
        let mut next = None;
        for found in receiver {
            let found = number(&found.unwrap());
            let lost = found.checked_sub(next.unwrap_or(before)).expect("nothing comes again");
            assert!(lost == 0 || next.is_none(), "{lost} were lost before {found}");
            assert!(progress.lost.fetch_add(lost, SeqCst) + lost <= KILLS, "{lost} were lost before {found}");
            next = Some(found + 1);
            progress.done.store(found + 1, SeqCst);
        }
    };
    for round in 0..KILLS {
        let receiving = Peer::start(|| receive(&mut Receiver::open(&name).unwrap()));
        sleep(Duration::from_micros(200 * u64::from(round)));
        receiving.kill();
    }
    receive(&mut made.receiver().unwrap());
    sending.join();
    assert_eq!(progress.done.load(SeqCst), COUNT);
}

#[serial_test]
fn bytes_second_sender_and_receiver_are_refused() {
    let name = fresh();
    let made = make(&name);
    let (_sender, _receiver) = (made.sender().unwrap(), made.receiver().unwrap());
    Peer::start(|| {
        assert_eq!(Sender::open(&name).unwrap_err().kind(), ErrorKind::InUse);
        assert_eq!(Receiver::open(&name).unwrap_err().kind(), ErrorKind::InUse);
        let other = Options::new().capacity(2 * CAPACITY).open(&name).unwrap_err();
        assert_eq!(other.kind(), ErrorKind::WrongType);
        let same = Options::new().capacity(CAPACITY).open(&name).unwrap();
        assert_eq!(same.max_message_len(), CAPACITY / 2 - 64);
        assert_eq!(spsc::Sender::<u8>::open(&name).unwrap_err().kind(), ErrorKind::WrongType);
        assert_eq!(request::Client::<u8, u8>::open(&name).unwrap_err().kind(), ErrorKind::WrongType);
    })
    .join();
}
