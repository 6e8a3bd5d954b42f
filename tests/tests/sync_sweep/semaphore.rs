//! `Semaphore`: the permits of the dead come back, also to those who wait already.

use std::cell::RefCell;

use ipcraft::ErrorKind;
use ipcraft::shm::Shared;
use ipcraft::sync::{Event, Permit, Semaphore};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors;
use libtest_mimic::Trial;

use crate::world::{BRIEFLY, HANG_TIMEOUT, clean, shared};

pub(crate) fn tests() -> Vec<Trial> {
    let contended = Contended { operate: Devices::acquire, is_woken: true };
    vec![
        clean("semaphore_acquire_and_drop", Alone { operate: Devices::acquire }),
        clean("semaphore_acquire_the_last", Alone { operate: Devices::acquire_all }),
        clean("semaphore_try_acquire", Alone { operate: Devices::try_acquire }),
        clean("semaphore_acquire_contended", contended),
        clean("semaphore_acquire_timeout", Contended { operate: Devices::time_out, is_woken: false }),
        clean("semaphore_drop_with_a_waiter", Release),
    ]
}

const PERMITS: usize = 2;

ipcraft::shared_struct! {
    struct Devices {
        permits: Semaphore<PERMITS>,
        /// Somebody else has all permits.
        are_taken: Event,
        /// He gives one back.
        give_one_back: Event,
        /// And the others.
        give_all_back: Event,
        /// The child, which has a permit, gives it back.
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
        assert_eq!(self.permits.try_acquire().unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    fn time_out(&self) {
        assert_eq!(self.permits.acquire_timeout(BRIEFLY).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    /// Another process's role: has all permits until told to give them back.
    fn hold(&self) {
        let permits: [Permit<'_>; PERMITS] = std::array::from_fn(|_| self.permits.acquire().unwrap());
        self.are_taken.set().unwrap();
        let [one, _others @ ..] = permits;
        self.give_one_back.wait().unwrap();
        drop(one);
        self.give_all_back.wait().unwrap();
    }

    fn release_when_told(&self) {
        let _permits: [Permit<'_>; PERMITS] = std::array::from_fn(|_| self.permits.acquire().unwrap());
        self.release.wait().unwrap();
    }
}

struct World {
    devices: Shared<Devices>,
    /// Has all permits.
    holder: RefCell<Vec<Peer>>,
    /// Others, who wait for one.
    waiters: RefCell<Vec<Peer>>,
}

fn world() -> World {
    World {
        devices: shared(|devices: &Devices| devices.permits.init()),
        holder: RefCell::default(),
        waiters: RefCell::default(),
    }
}

impl World {
    /// Another process takes all permits.
    fn take_all(&self) {
        self.devices.are_taken.reset();
        self.devices.give_one_back.reset();
        self.devices.give_all_back.reset();
        self.holder.replace(survivors::asleep(1, || self.devices.hold()));
        self.devices.are_taken.wait_timeout(HANG_TIMEOUT).unwrap();
    }

    /// Another queues up behind the child, and then one permit comes back.
    fn hand_over(&self) {
        if self.waiters.borrow().is_empty() {
            self.queue_up();
            self.devices.give_one_back.set().unwrap();
        }
    }

    fn queue_up(&self) {
        self.waiters.replace(survivors::asleep(1, || self.devices.acquire()));
    }

    /// Whether those who wait get the one permit that is free.
    fn queue_advances(&self) -> bool {
        let advances = survivors::finish(self.waiters.take());
        self.devices.give_all_back.set().unwrap();
        advances && survivors::finish(self.holder.take())
    }

    /// Those who wait get a permit, and then all can be had at a time and are free again.
    fn proceed(&self) -> Outcome {
        if !self.queue_advances() {
            return Outcome::Stuck;
        }
        let permits = &self.devices.permits;
        let all: Vec<Permit<'_>> =
            (0..PERMITS).map_while(|_| permits.acquire_timeout(HANG_TIMEOUT).ok()).collect();
        if all.len() < PERMITS {
            return Outcome::Stuck;
        }
        assert_eq!(permits.try_acquire().unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(all);
        assert_eq!(permits.available(), PERMITS);
        Outcome::Unnoticed
    }
}

/// Killed when nobody else is there.
struct Alone {
    operate: fn(&Devices),
}

impl Scenario for Alone {
    type Fixture = World;

    fn fixture(&self) -> World {
        world()
    }

    fn operate(&self, world: &World) {
        (self.operate)(&world.devices);
    }

    fn check(&self, world: World) -> Outcome {
        world.proceed()
    }
}

/// Killed while it waits for what another has, and a third comes to wait too.
#[derive(Clone, Copy)]
struct Contended {
    operate: fn(&Devices),
    /// Whether a permit comes back when the child sleeps.
    is_woken: bool,
}

impl Scenario for Contended {
    type Fixture = World;

    fn fixture(&self) -> World {
        let world = world();
        world.take_all();
        world
    }

    fn operate(&self, world: &World) {
        (self.operate)(&world.devices);
    }

    fn rearm(&self, world: &World) {
        world.hand_over();
        assert!(world.queue_advances());
        world.take_all();
    }

    fn wake(&self, world: &World) {
        if self.is_woken {
            world.hand_over();
        }
    }

    fn check(&self, world: World) -> Outcome {
        world.hand_over();
        world.proceed()
    }
}

/// Killed while it has all permits, for one of which another comes to wait, or gives them back.
struct Release;

impl Scenario for Release {
    type Fixture = World;

    fn fixture(&self) -> World {
        world()
    }

    fn operate(&self, world: &World) {
        world.devices.release_when_told();
    }

    fn rearm(&self, world: &World) {
        assert!(survivors::finish(world.waiters.take()));
        world.devices.release.reset();
    }

    fn wake(&self, world: &World) {
        if world.waiters.borrow().is_empty() {
            world.queue_up();
            world.devices.release.set().unwrap();
        }
    }

    fn check(&self, world: World) -> Outcome {
        world.proceed()
    }
}
