use std::sync::atomic::Ordering::Relaxed;

use ipcraft::ErrorKind;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::serial_test;
use ipcraft_tests::time::{LONG_TIMEOUT, SHORT_TIMEOUT};

use super::fixture::{Fixture, kind_of};

#[serial_test]
fn wait_on_a_set_event_returns_immediately() {
    let fixture = Fixture::new();
    assert!(!fixture.event.is_set());
    assert_eq!(kind_of(fixture.event.try_wait()), ErrorKind::WouldBlock);
    Peer::start(|| fixture.event.set().unwrap()).join();
    for _ in 0..2 {
        assert!(fixture.event.is_set());
        fixture.event.try_wait().unwrap();
        fixture.event.wait().unwrap();
        fixture.event.wait_timeout(SHORT_TIMEOUT).unwrap();
        fixture.event.set().unwrap();
    }
}

#[serial_test]
fn set_wakes_every_waiter() {
    let fixture = Fixture::new();
    let waiters = [
        Peer::start(|| fixture.event.wait().unwrap()),
        Peer::start(|| fixture.event.wait().unwrap()),
        Peer::start(|| fixture.event.wait_timeout(LONG_TIMEOUT).unwrap()),
    ];
    let dead = Peer::start(|| fixture.event.wait().unwrap());
    waiters.iter().for_each(Peer::wait_asleep);
    dead.wait_asleep();
    dead.kill();
    fixture.event.set().unwrap();
    waiters.into_iter().for_each(Peer::join);
}

#[serial_test]
fn wait_after_reset_blocks_until_the_next_set() {
    let fixture = Fixture::new();
    for _ in 0..3 {
        fixture.event.set().unwrap();
        fixture.event.reset();
        fixture.event.reset();
        assert!(!fixture.event.is_set());
        assert_eq!(kind_of(fixture.event.wait_timeout(SHORT_TIMEOUT)), ErrorKind::TimedOut);
        let waiter = Peer::start(|| fixture.event.wait().unwrap());
        waiter.wait_asleep();
        // A reset of an event that is not set keeps its waiter registered.
        fixture.event.reset();
        fixture.event.set().unwrap();
        waiter.join();
    }
}

/// Two processes take turns. Each sees what the other wrote before it set the event.
#[serial_test]
fn wait_sees_what_was_written_before_set() {
    const TURNS: u32 = 3000;
    let fixture = Fixture::new();
    let turn = |mine: &ipcraft::sync::Event, others: &ipcraft::sync::Event, first: u32| {
        for number in (first..TURNS).step_by(2) {
            mine.wait().unwrap();
            mine.reset();
            assert_eq!(fixture.number.load(Relaxed), number);
            fixture.number.store(number + 1, Relaxed);
            others.set().unwrap();
        }
    };
    let peer = Peer::start(|| turn(&fixture.go, &fixture.ready, 1));
    fixture.ready.set().unwrap();
    turn(&fixture.ready, &fixture.go, 0);
    peer.join();
    assert_eq!(fixture.number.load(Relaxed), TURNS);
}
