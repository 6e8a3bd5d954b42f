//! `Semaphore`: the permits of killed holders are free again, also for processes that already wait.
use std::cell::RefCell;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{Event, Permit, Semaphore};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;

use crate::common::{EXPIRING_TIMEOUT, HANG_TIMEOUT, clean, shared_value};

pub(crate) fn tests() -> Vec<Trial> {
    let contended = Contended { operate: Devices::acquire, gets_permit: true };
    vec![
        clean("semaphore_acquire_and_drop", Alone { operate: Devices::acquire }),
        clean("semaphore_acquire_the_last", Alone { operate: Devices::acquire_all }),
        clean("semaphore_try_acquire", Alone { operate: Devices::try_acquire }),
        clean("semaphore_acquire_contended", contended),
        clean(
            "semaphore_acquire_timeout",
            Contended { operate: Devices::acquire_until_timeout, gets_permit: false },
        ),
        clean("semaphore_release_with_a_waiter", Release),
    ]
}

const PERMITS: usize = 2;

ipcraft::shared_struct! {
    struct Devices {
        permits: Semaphore<PERMITS>,
        /// Another process holds all permits.
        all_taken: Event,
        /// That process releases one permit.
        release_one: Event,
        /// That process releases the other permits.
        release_all: Event,
        /// The child releases its permits.
        release: Event,
    }
}

impl Devices {
    fn acquire(&self) {
        drop(self.permits.acquire().unwrap());
    }

    fn acquire_all(&self) {
        let permits: [Permit<'_>; PERMITS] = std::array::from_fn(|_| self.permits.acquire().unwrap());
        assert_ne!(permits[0].number(), permits[1].number());
    }

    fn try_acquire(&self) {
        let _permits: [Permit<'_>; PERMITS] = std::array::from_fn(|_| self.permits.try_acquire().unwrap());
        assert_eq!(self.permits.try_acquire().unwrap_err().kind(), ErrorKind::Deadlock);
    }

    fn acquire_until_timeout(&self) {
        assert_eq!(self.permits.acquire_timeout(EXPIRING_TIMEOUT).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    /// The role of another process: holds all permits and releases them when asked to.
    fn hold(&self) {
        let permits: [Permit<'_>; PERMITS] = std::array::from_fn(|_| self.permits.acquire().unwrap());
        self.all_taken.set().unwrap();
        let [one, _others @ ..] = permits;
        self.release_one.wait().unwrap();
        drop(one);
        self.release_all.wait().unwrap();
    }

    fn hold_until_released(&self) {
        let _permits: [Permit<'_>; PERMITS] = std::array::from_fn(|_| self.permits.acquire().unwrap());
        self.release.wait().unwrap();
    }
}

struct Fixture {
    devices: Shared<Devices>,
    /// The process that holds all permits.
    holder: RefCell<Vec<Peer>>,
    /// The processes that wait for a permit.
    waiters: RefCell<Vec<Peer>>,
}

fn new_fixture() -> Fixture {
    Fixture {
        devices: shared_value(|devices: &Devices| devices.permits.init()),
        holder: RefCell::default(),
        waiters: RefCell::default(),
    }
}

impl Fixture {
    /// Starts a process that takes all permits.
    fn take_all(&self) {
        self.devices.all_taken.reset();
        self.devices.release_one.reset();
        self.devices.release_all.reset();
        self.holder.replace(survivors::asleep(1, || self.devices.hold()));
        self.devices.all_taken.wait_timeout(HANG_TIMEOUT).unwrap();
    }

    /// Starts a waiter behind the child, and then releases one permit.
    fn release_one_to_waiter(&self) {
        if self.waiters.borrow().is_empty() {
            self.start_waiter();
            self.devices.release_one.set().unwrap();
        }
    }

    fn start_waiter(&self) {
        self.waiters.replace(survivors::asleep(1, || self.devices.acquire()));
    }

    /// Returns whether the waiters get the one permit that is free.
    fn waiters_finish(&self) -> bool {
        let finished = survivors::finish(self.waiters.take());
        self.devices.release_all.set().unwrap();
        finished && survivors::finish(self.holder.take())
    }

    /// Checks that the waiters get a permit, and that all permits are free afterwards.
    fn check_survivors(&self) -> Outcome {
        if !self.waiters_finish() {
            return Outcome::Stuck;
        }
        let permits = &self.devices.permits;
        let all: Vec<Permit<'_>> =
            (0..PERMITS).map_while(|_| permits.acquire_timeout(HANG_TIMEOUT).ok()).collect();
        if all.len() < PERMITS {
            return Outcome::Stuck;
        }
        assert_eq!(permits.try_acquire().unwrap_err().kind(), ErrorKind::Deadlock);
        drop(all);
        assert_eq!(permits.available(), PERMITS);
        Outcome::Unnoticed
    }
}

/// Killed without contention.
struct Alone {
    operate: fn(&Devices),
}

impl Scenario for Alone {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        new_fixture()
    }

    fn operate(&self, fixture: &Fixture) {
        (self.operate)(&fixture.devices);
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.check_survivors()
    }
}

/// Killed while it waits for a permit, and another process waits behind it.
#[derive(Clone, Copy)]
struct Contended {
    operate: fn(&Devices),
    /// Whether a permit becomes free while the child is blocked.
    gets_permit: bool,
}

impl Scenario for Contended {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        let fixture = new_fixture();
        fixture.take_all();
        fixture
    }

    fn operate(&self, fixture: &Fixture) {
        (self.operate)(&fixture.devices);
    }

    fn rearm(&self, fixture: &Fixture) {
        fixture.release_one_to_waiter();
        assert!(fixture.waiters_finish());
        fixture.take_all();
    }

    fn wake(&self, fixture: &Fixture) {
        if self.gets_permit {
            fixture.release_one_to_waiter();
        }
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.release_one_to_waiter();
        fixture.check_survivors()
    }
}

/// Killed while it holds all permits, with a waiter, or while it releases them.
struct Release;

impl Scenario for Release {
    type Fixture = Fixture;

    fn fixture(&self) -> Fixture {
        new_fixture()
    }

    fn operate(&self, fixture: &Fixture) {
        fixture.devices.hold_until_released();
    }

    fn rearm(&self, fixture: &Fixture) {
        assert!(survivors::finish(fixture.waiters.take()));
        fixture.devices.release.reset();
    }

    fn wake(&self, fixture: &Fixture) {
        if fixture.waiters.borrow().is_empty() {
            fixture.start_waiter();
            fixture.devices.release.set().unwrap();
        }
    }

    fn check(&self, fixture: Fixture) -> Outcome {
        fixture.check_survivors()
    }
}
