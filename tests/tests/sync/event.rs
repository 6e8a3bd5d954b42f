use std::sync::atomic::Ordering::Relaxed;

use ipcraft::ErrorKind;
use ipcraft_tests::peer::Peer;

use super::zone::{Zone, kind_of};
use super::{LONG, SHORT};

pub(super) fn lets_through_who_comes_after_it() {
    let zone = Zone::new();
    assert!(!zone.event.is_set());
    assert_eq!(kind_of(zone.event.try_wait()), ErrorKind::WouldBlock);
    Peer::start(|| zone.event.set().unwrap()).join();
    for _ in 0..2 {
        assert!(zone.event.is_set());
        zone.event.try_wait().unwrap();
        zone.event.wait().unwrap();
        zone.event.wait_timeout(SHORT).unwrap();
        zone.event.set().unwrap();
    }
}

pub(super) fn wakes_everybody() {
    let zone = Zone::new();
    let waiters = [
        Peer::start(|| zone.event.wait().unwrap()),
        Peer::start(|| zone.event.wait().unwrap()),
        Peer::start(|| zone.event.wait_timeout(LONG).unwrap()),
    ];
    let dead = Peer::start(|| zone.event.wait().unwrap());
    waiters.iter().for_each(Peer::wait_asleep);
    dead.wait_asleep();
    dead.kill();
    zone.event.set().unwrap();
    waiters.into_iter().for_each(Peer::join);
}

pub(super) fn makes_wait_again_once_reset() {
    let zone = Zone::new();
    for _ in 0..3 {
        zone.event.set().unwrap();
        zone.event.reset();
        zone.event.reset();
        assert!(!zone.event.is_set());
        assert_eq!(kind_of(zone.event.wait_timeout(SHORT)), ErrorKind::TimedOut);
        let waiter = Peer::start(|| zone.event.wait().unwrap());
        waiter.wait_asleep();
        // Not set, so there is nothing to take back, and the one who sleeps is not forgotten.
        zone.event.reset();
        zone.event.set().unwrap();
        waiter.join();
    }
}

/// Two processes take turns, and each sees what the other wrote before it set the event.
pub(super) fn carries_what_was_written_before() {
    const TURNS: u32 = 3000;
    let zone = Zone::new();
    let turn = |mine: &ipcraft::sync::Event, others: &ipcraft::sync::Event, first: u32| {
        for number in (first..TURNS).step_by(2) {
            mine.wait().unwrap();
            mine.reset();
            assert_eq!(zone.number.load(Relaxed), number);
            zone.number.store(number + 1, Relaxed);
            others.set().unwrap();
        }
    };
    let peer = Peer::start(|| turn(&zone.go, &zone.ready, 1));
    zone.ready.set().unwrap();
    turn(&zone.ready, &zone.go, 0);
    peer.join();
    assert_eq!(zone.number.load(Relaxed), TURNS);
}
