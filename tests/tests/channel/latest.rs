use std::thread::sleep;
use std::time::{Duration, Instant};

use ipcraft::channel::latest::{Channel, Options, Reader, Writer};
use ipcraft::channel::{WaitStrategy, broadcast};
use ipcraft::{Error, ErrorKind};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, death_notice_timeout};
use nix::unistd::pause;

use super::{fresh, once_replaced};

/// All words are the version of the value.
type Numbered = [u64; 200];

fn make(name: &str) -> Channel<Numbered> {
    Options::new().remove_on_drop(true).initial_position(u64::MAX - 999).create_new(name).unwrap()
}

/// The version that the value is of.
fn whole(value: Numbered) -> u64 {
    assert!(value.iter().all(|word| *word == value[0]), "torn: {value:?}");
    value[0]
}

/// Stores as many values, each with its version in it.
fn store(name: &str, count: u64) {
    let mut writer = Writer::open(name).unwrap();
    (0..count).for_each(|_| writer.store([writer.version() + 1; 200]));
}

#[serial_test]
fn latest_load_in_every_process_returns_whole_newest_value() {
    const LAST: u64 = 30_000;
    let name = fresh();
    let _made = make(&name);
    let readers = [WaitStrategy::Block, WaitStrategy::Adaptive, WaitStrategy::Block].map(|waiting| {
        Peer::start(|| {
            let mut reader = Reader::<Numbered>::open(&name).unwrap();
            reader.set_wait_strategy(waiting);
            let mut last = 0;
            while last < LAST {
                let seen = reader.changed().unwrap();
                assert_eq!(whole(seen.value), seen.version);
                assert!(seen.version > last);
                // What is loaded is no change any more.
                last = reader.load().unwrap().version;
                assert!(last >= seen.version);
            }
        })
    });
    readers[0].wait_asleep();
    store(&name, LAST);
    readers.into_iter().for_each(Peer::join);
}

#[serial_test]
fn latest_load_after_writers_killed_returns_whole_value() {
    let name = fresh();
    let made = make(&name);
    let mut reader = made.reader().unwrap();
    let mut last = 0;
    for round in 0..50 {
        let writer = Peer::start(|| store(&name, u64::MAX));
        let first = once_replaced(|| reader.changed_timeout(LONG_TIMEOUT), Error::kind);
        assert!(first.version > last);
        sleep(Duration::from_micros(50 * round));
        writer.kill();
        let seen = reader.load().unwrap();
        assert_eq!(whole(seen.value), seen.version);
        assert!(seen.version > last);
        last = seen.version;
    }
}

#[serial_test]
fn latest_changed_after_writer_killed_returns_disconnected() {
    let name = fresh();
    let _made = make(&name);
    let reading = Peer::start(|| {
        let mut reader = Reader::<Numbered>::open(&name).unwrap();
        reader.set_wait_strategy(WaitStrategy::Block);
        let seen: Vec<u64> = reader.iter().map(|seen| whole(seen.unwrap().value)).collect();
        assert_eq!(seen, [1]);
        assert_eq!(whole(reader.load().unwrap().value), 1);
    });
    reading.wait_asleep();
    let writing = Peer::start(|| {
        let mut writer = Writer::<Numbered>::open(&name).unwrap();
        writer.store([1; 200]);
        writer.loan().set(&[2; 200]);
        pause();
    });
    writing.wait_asleep();
    reading.wait_asleep();
    writing.kill();
    let killed = Instant::now();
    reading.join();
    assert!(killed.elapsed() < death_notice_timeout());
    store(&name, 1);
    let mut late = Reader::<Numbered>::open(&name).unwrap();
    assert_eq!(late.load().unwrap().version, 2);
}

#[serial_test]
fn latest_second_writer_is_refused() {
    let name = fresh();
    let _made = make(&name);
    let owner = Peer::start(|| {
        let _writer = Writer::<Numbered>::open(&name).unwrap();
        pause();
    });
    owner.wait_asleep();
    assert_eq!(Writer::<Numbered>::open(&name).unwrap_err().kind(), ErrorKind::InUse);
    owner.kill();
    drop(Writer::<Numbered>::open(&name).unwrap());

    let refused = [
        Writer::<[u64; 8]>::open(&name).unwrap_err(),
        Reader::<[i64; 200]>::open(&name).unwrap_err(),
        broadcast::Publisher::<Numbered>::open(&name).unwrap_err(),
        Options::<Numbered>::new().capacity(16).open(&name).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
    }
}
