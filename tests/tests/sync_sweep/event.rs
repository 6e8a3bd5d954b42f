//! `Event`: whoever sets it lets everybody through, or has done nothing yet.

use std::cell::{Cell, RefCell};

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::Event;
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::world::{BRIEFLY, HANG_TIMEOUT, clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    let alone = Operation { operate: set, sleepers: 0, is_woken: false, ends_set: true };
    vec![
        clean("event_set", alone),
        clean("event_set_with_sleepers", Operation { sleepers: 2, ..alone }),
        clean("event_reset", Operation { operate: set_and_reset, ends_set: false, ..alone }),
        clean("event_wait", Operation { operate: wait, sleepers: 1, is_woken: true, ends_set: true }),
        clean(
            "event_wait_timeout",
            Operation { operate: wait_briefly, ends_set: false, sleepers: 1, ..alone },
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

fn wait_briefly(event: &Event) {
    assert_eq!(event.wait_timeout(BRIEFLY).unwrap_err().kind(), ErrorKind::TimedOut);
}

struct World {
    event: Shared<Event>,
    /// Others, who wait for the event.
    sleepers: RefCell<Vec<Peer>>,
    /// Whether the event was set when the child was killed.
    was_set: Cell<bool>,
}

/// Killed while others sleep, or do not.
#[derive(Clone, Copy)]
struct Operation {
    operate: fn(&Event),
    sleepers: usize,
    /// Whether somebody sets the event when the child sleeps.
    is_woken: bool,
    /// Whether the event is set when the operation has ended.
    ends_set: bool,
}

impl Scenario for Operation {
    type Fixture = World;

    fn stride(&self, asked: u64) -> u64 {
        asked.min(7)
    }

    fn fixture(&self) -> World {
        World { event: shared(|_| Ok(())), sleepers: RefCell::default(), was_set: Cell::new(false) }
    }

    fn operate(&self, world: &World) {
        (self.operate)(&world.event);
    }

    fn rearm(&self, world: &World) {
        assert_eq!(world.event.is_set(), self.ends_set);
        world.event.reset();
        world.sleepers.replace(sleepers(&world.event, self.sleepers));
    }

    fn wake(&self, world: &World) {
        if self.is_woken {
            set(&world.event);
        }
    }

    fn before_kill(&self, world: &World, _child: Pid) {
        world.was_set.set(world.event.is_set());
    }

    fn check(&self, world: World) -> Outcome {
        let event = &world.event;
        assert_eq!(event.is_set(), world.was_set.get(), "a death changes nothing");
        if !event.is_set() {
            set(event);
        }
        // If it was set already, nothing more is done for those who sleep.
        if !survivors::finish(world.sleepers.take()) {
            return Outcome::Stuck;
        }
        event.wait_timeout(HANG_TIMEOUT).expect("set");

        event.reset();
        assert_eq!(event.try_wait().unwrap_err().kind(), ErrorKind::WouldBlock);
        let newcomers = sleepers(event, 1);
        set(event);
        if survivors::finish(newcomers) { Outcome::Unnoticed } else { Outcome::Stuck }
    }
}

fn sleepers(event: &Event, count: usize) -> Vec<Peer> {
    survivors::asleep(count, || wait(event))
}
