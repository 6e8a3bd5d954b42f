use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::sync::RwLock;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::shared_value::shared_value;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};
use nix::unistd::pause;

use super::fixture::{Fixture, kind_of};

/// Starts a reader that holds the lock until it is killed.
fn reader(fixture: &Fixture) -> Peer {
    let reader = Peer::start(|| {
        let _pair = fixture.table.read().unwrap();
        pause();
    });
    reader.wait_asleep();
    reader
}

/// Each reader unlocks only after the other has locked.
#[serial_test]
fn read_while_another_reader_holds_the_lock_succeeds() {
    let fixture = Fixture::new();
    let read = || {
        let pair = fixture.table.read().unwrap();
        fixture.barrier.join().unwrap().wait_timeout(LONG_TIMEOUT).unwrap();
        assert_eq!(*pair, [0, 0]);
    };
    let other = Peer::start(read);
    read();
    other.join();
    // One thread may read twice while no writer arrives.
    let both = (fixture.table.read().unwrap(), fixture.table.read().unwrap());
    assert_eq!(*both.0, *both.1);
}

#[serial_test]
fn read_with_all_slots_taken_blocks_until_any_slot_is_free() {
    let fixture = Fixture::new();
    let mut readers: Vec<_> = (0..4).map(|_| reader(&fixture)).collect();
    assert_eq!(kind_of(fixture.table.try_read()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(fixture.table.read_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    let late = [
        Peer::start(|| drop(fixture.table.read().unwrap())),
        Peer::start(|| drop(fixture.table.read_timeout(LONG_TIMEOUT).unwrap())),
    ];
    late.iter().for_each(Peer::wait_asleep);
    // Any released slot will do.
    readers.remove(1).kill();
    late.into_iter().for_each(Peer::join);
    readers.into_iter().for_each(Peer::kill);
}

#[serial_test]
fn writer_that_waits_precedes_later_readers() {
    let fixture = Fixture::new();
    let first = reader(&fixture);
    let writer = Peer::start(|| {
        let mut pair = fixture.table.write().unwrap();
        *pair = [1, 1];
        fixture.number.fetch_add(1, SeqCst);
    });
    writer.wait_asleep();
    let later = [
        Peer::start(|| assert_eq!(*fixture.table.read().unwrap(), [1, 1])),
        Peer::start(|| assert_eq!(*fixture.table.read_timeout(LONG_TIMEOUT).unwrap(), [1, 1])),
    ];
    later.iter().for_each(Peer::wait_asleep);
    assert_eq!(kind_of(fixture.table.try_read()), ErrorKind::WouldBlock);
    assert_eq!(fixture.number.load(SeqCst), 0, "the first reader still holds the lock");
    first.kill();
    writer.join();
    later.into_iter().for_each(Peer::join);
}

#[serial_test]
fn writer_that_stops_waiting_lets_later_readers_in() {
    let fixture = Fixture::new();
    let first = reader(&fixture);
    assert_eq!(kind_of(fixture.table.write_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
    drop(fixture.table.try_read().unwrap());
    assert_eq!(kind_of(fixture.table.try_write()), ErrorKind::WouldBlock);
    drop(fixture.table.read().unwrap());
    let writer = Peer::start(|| drop(fixture.table.write()));
    writer.wait_asleep();
    let later = Peer::start(|| drop(fixture.table.read().unwrap()));
    later.wait_asleep();
    writer.kill();
    later.join();
    first.kill();
    drop(fixture.table.try_write().unwrap());
}

#[serial_test]
fn reader_killed_leaves_lock_and_data_usable() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        reader(&fixture).kill();
        assert_eq!(*fixture.table.try_read().unwrap(), [0, 0]);
    }
    drop(fixture.table.try_write().unwrap());
    let one = shared_value(|one: &RwLock<u64, 1>| one.init(5));
    Peer::start(|| std::mem::forget(one.read().unwrap())).join();
    assert_eq!(*one.try_read().unwrap(), 5);
    *one.try_write().unwrap() += 1;
    assert_eq!(*one.try_read().unwrap(), 6);
}
