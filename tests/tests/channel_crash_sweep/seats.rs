//! Ends that are taken and left: a place is free when its owner was killed, whatever he was doing.

use std::cell::RefCell;

use ipcraft::name;
use ipcraft::shm::Shared;
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};

use crate::ledger::{Allowed, Ledger};
use crate::link::{FEW, Link, NARROW, Said, Shape, converse, tell};
use crate::survivor::Survivor;

/// Killed while it takes or leaves an end.
pub(crate) struct Seating<L: Link> {
    /// Leaves the channel as it was.
    operate: fn(&L::Channel, &str),
    shape: Shape,
    is_named: bool,
    /// Whether another waits for messages meanwhile.
    has_sleeper: bool,
    /// How many times fewer positions are tried, where that takes long.
    stride: u64,
}

impl<L: Link> Seating<L> {
    /// By the channel.
    pub(crate) fn new(operate: fn(&L::Channel, &str)) -> Self {
        Seating { operate, shape: NARROW, is_named: false, has_sleeper: false, stride: 13 }
    }

    /// By a name; longer.
    pub(crate) fn by_name(operate: fn(&L::Channel, &str)) -> Self {
        Seating { is_named: true, stride: 89, ..Seating::new(operate) }
    }

    /// By a descriptor; longer.
    pub(crate) fn by_descriptor(operate: fn(&L::Channel, &str)) -> Self {
        Seating { stride: 89, ..Seating::new(operate) }
    }

    pub(crate) fn before_a_sleeper(self) -> Self {
        Seating { has_sleeper: true, ..self }
    }
}

/// A channel with messages in it, at which nobody has an end.
pub(crate) struct World<L: Link> {
    channel: L::Channel,
    ledger: Shared<Ledger>,
    name: Name,
    peer: RefCell<Option<Peer>>,
}

/// A name that is removed also when a check fails.
pub(crate) struct Name(pub(crate) String);

impl Name {
    pub(crate) fn new() -> Name {
        Name(format!("/{}", name::unique("ipcraft-tests")))
    }

    /// Whether it was there.
    pub(crate) fn remove(&self) -> bool {
        std::fs::remove_file(format!("/dev/shm{}", self.0)).is_ok()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.remove();
    }
}

impl<L: Link> Scenario for Seating<L> {
    type Fixture = World<L>;

    fn stride(&self, asked: u64) -> u64 {
        asked * self.stride
    }

    fn stops_at_calls(&self) -> bool {
        true
    }

    fn fixture(&self) -> World<L> {
        let name = Name::new();
        let channel = L::create(self.shape, self.is_named.then_some(&name.0)).unwrap();
        let world = World { channel, ledger: Ledger::new(), name, peer: RefCell::new(None) };
        let mut sender = L::sender(&world.channel).unwrap();
        assert_eq!(tell::<L>(&mut sender, &world.ledger, HANG_TIMEOUT), Said::Yes);
        world
    }

    fn operate(&self, world: &World<L>) {
        (self.operate)(&world.channel, &world.name.0);
    }

    fn rearm(&self, world: &World<L>) {
        if self.has_sleeper {
            let role = || Survivor::Asleep.listen::<L>(&world.channel, &world.ledger, 1 + FEW);
            world.peer.replace(survivors::asleep(1, role).pop());
            if L::COMES_LATE {
                world.ledger.forget();
            }
        }
    }

    fn check(&self, world: World<L>) -> Outcome {
        let World { channel, ledger, peer, .. } = world;
        let mut sender = L::sender(&channel).unwrap();
        if L::COMES_LATE {
            ledger.forget();
        }
        let goes_on = if self.has_sleeper {
            let told = (0..FEW).all(|_| tell::<L>(&mut sender, &ledger, HANG_TIMEOUT) == Said::Yes);
            told && survivors::finish(peer.into_inner())
        } else {
            converse::<L>(&mut sender, &mut L::receiver(&channel).unwrap(), &ledger)
        };
        if goes_on { ledger.outcome(Allowed::default()) } else { Outcome::Stuck }
    }
}
