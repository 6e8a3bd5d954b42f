//! `Event`: a killed setter has released every waiter, or has done nothing.
use std::cell::{Cell, RefCell};

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::Event;
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::common::{EXPIRING_TIMEOUT, HANG_TIMEOUT, clean, shared_value};

pub(crate) fn tests() -> Vec<Trial> {
    let alone = Operation { operate: set, waiters: 0, is_set_meanwhile: false, ends_set: true };
    vec![
        clean("event_set", alone),
        clean("event_set_with_waiters", Operation { waiters: 2, ..alone }),
        clean("event_reset", Operation { operate: set_and_reset, ends_set: false, ..alone }),
        clean("event_wait", Operation { operate: wait, waiters: 1, is_set_meanwhile: true, ends_set: true }),
        clean(
            "event_wait_timeout",
            Operation { operate: wait_until_timeout, ends_set: false, waiters: 1, ..alone },
        ),
    ]
}

fn set(event: &Event) {
    event.set().unwrap();
}

fn set_and_reset(event: &Event) {
    event.set().unwrap();
    event.reset();
}

fn wait(event: &Event) {
    event.wait().unwrap();
}

fn wait_until_timeout(event: &Event) {
    assert_eq!(event.wait_timeout(EXPIRING_TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
}

struct Fixture {
    event: Shared<Event>,
    /// Other processes, which wait for the event.
    waiters: RefCell<Vec<Peer>>,
    /// Whether the event was set when the child was killed.
    was_set: Cell<bool>,
}

/// Killed with or without waiters.
#[derive(Clone, Copy)]
struct Operation {
    operate: fn(&Event),
    waiters: usize,
    /// Whether the event is set while the child is blocked.
    is_set_meanwhile: bool,
    /// Whether the event is set when the operation has ended.
    ends_set: bool,
}

impl Scenario for Operation {
    type Fixture = Fixture;

    fn stride(&self, asked: u64) -> u64 {
        asked.min(7)
    }

    fn fixture(&self) -> Fixture {
        Fixture { event: shared_value(|_| Ok(())), waiters: RefCell::default(), was_set: Cell::new(false) }
    }

    fn operate(&self, fixture: &Fixture) {
        (self.operate)(&fixture.event);
    }

    fn rearm(&self, fixture: &Fixture) {
        assert_eq!(fixture.event.is_set(), self.ends_set);
        fixture.event.reset();
        fixture.waiters.replace(waiters(&fixture.event, self.waiters));
    }

    fn wake(&self, fixture: &Fixture) {
        if self.is_set_meanwhile {
            set(&fixture.event);
        }
    }

    fn before_kill(&self, fixture: &Fixture, _child: Pid) {
        fixture.was_set.set(fixture.event.is_set());
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        let event = &fixture.event;
        assert_eq!(event.is_set(), fixture.was_set.get(), "a death changes nothing");
        if !event.is_set() {
            set(event);
        }
        // If the event was set already, the waiters get no other wake.
        if !survivors::finish(fixture.waiters.take()) {
            return Outcome::Stuck;
        }
        event.wait_timeout(HANG_TIMEOUT).expect("set");

        event.reset();
        assert_eq!(event.try_wait().unwrap_err().kind(), ErrorKind::WouldBlock);
        let newcomers = waiters(event, 1);
        set(event);
        if survivors::finish(newcomers) { Outcome::Unnoticed } else { Outcome::Stuck }
    }
}

fn waiters(event: &Event, count: usize) -> Vec<Peer> {
    survivors::asleep(count, || wait(event))
}
