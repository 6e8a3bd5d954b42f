use std::sync::atomic::Ordering::SeqCst;

use ipcraft::ErrorKind;
use ipcraft::sync::RwLock;
use ipcraft_tests::peer::Peer;
use nix::unistd::pause;

use super::zone::{Zone, kind_of};
use super::{LONG, SHORT};

/// A reader that stays until it is killed.
fn reader(zone: &Zone) -> Peer {
    let reader = Peer::start(|| {
        let _pair = zone.table.read().unwrap();
        pause();
    });
    reader.wait_asleep();
    reader
}

/// Each reader comes out only when the other is in as well.
pub(super) fn lets_readers_in_together() {
    let zone = Zone::new();
    let read = || {
        let pair = zone.table.read().unwrap();
        zone.barrier.join().unwrap().wait_timeout(LONG).unwrap();
        assert_eq!(*pair, [0, 0]);
    };
    let other = Peer::start(read);
    read();
    other.join();
    // So do those of one thread, as long as no writer comes.
    let both = (zone.table.read().unwrap(), zone.table.read().unwrap());
    assert_eq!(*both.0, *both.1);
}

pub(super) fn makes_more_readers_than_slots_wait() {
    let zone = Zone::new();
    let mut readers: Vec<_> = (0..4).map(|_| reader(&zone)).collect();
    assert_eq!(kind_of(zone.table.try_read()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(zone.table.read_timeout(SHORT)), ErrorKind::TimedOut);
    let late = [
        Peer::start(|| drop(zone.table.read().unwrap())),
        Peer::start(|| drop(zone.table.read_timeout(LONG).unwrap())),
    ];
    late.iter().for_each(Peer::wait_asleep);
    // Whichever leaves: they do not wait for one slot in particular.
    readers.remove(1).kill();
    late.into_iter().for_each(Peer::join);
    readers.into_iter().for_each(Peer::kill);
}

pub(super) fn lets_a_waiting_writer_in_before_later_readers() {
    let zone = Zone::new();
    let first = reader(&zone);
    let writer = Peer::start(|| {
        let mut pair = zone.table.write().unwrap();
        *pair = [1, 1];
        zone.number.fetch_add(1, SeqCst);
    });
    writer.wait_asleep();
    let later = [
        Peer::start(|| assert_eq!(*zone.table.read().unwrap(), [1, 1])),
        Peer::start(|| assert_eq!(*zone.table.read_timeout(LONG).unwrap(), [1, 1])),
    ];
    later.iter().for_each(Peer::wait_asleep);
    assert_eq!(kind_of(zone.table.try_read()), ErrorKind::WouldBlock);
    assert_eq!(zone.number.load(SeqCst), 0, "the first reader is still there");
    first.kill();
    writer.join();
    later.into_iter().for_each(Peer::join);
}

pub(super) fn lets_readers_in_when_a_writer_gives_up_waiting() {
    let zone = Zone::new();
    let first = reader(&zone);
    assert_eq!(kind_of(zone.table.write_timeout(SHORT)), ErrorKind::TimedOut);
    drop(zone.table.try_read().unwrap());
    assert_eq!(kind_of(zone.table.try_write()), ErrorKind::WouldBlock);
    drop(zone.table.read().unwrap());
    let writer = Peer::start(|| drop(zone.table.write()));
    writer.wait_asleep();
    let later = Peer::start(|| drop(zone.table.read().unwrap()));
    later.wait_asleep();
    writer.kill();
    later.join();
    first.kill();
    drop(zone.table.try_write().unwrap());
}

pub(super) fn is_not_changed_by_dead_readers() {
    let zone = Zone::new();
    for _ in 0..20 {
        reader(&zone).kill();
        assert_eq!(*zone.table.try_read().unwrap(), [0, 0]);
    }
    drop(zone.table.try_write().unwrap());
    let one = super::zone::shared(|one: &RwLock<u64, 1>| one.init(5));
    Peer::start(|| std::mem::forget(one.read().unwrap())).join();
    assert_eq!(*one.try_read().unwrap(), 5);
    *one.try_write().unwrap() += 1;
    assert_eq!(*one.try_read().unwrap(), 6);
}
