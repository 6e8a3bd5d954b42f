//! Receivers that are killed: what they did not receive is received by the next one, and what they did is not, but for
//! what is documented.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use ipcraft::shm::Shared;
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors::{self, FOREVER};
use ipcraft_tests::sweep::{Outcome, Scenario};

use crate::ledger::{Allowed, Ledger, Who};
use crate::link::{FEW, Link, Said, Shape, adapt, converse, hear, hear_all, tell};
use crate::survivor::Survivor;

/// Killed while it receives.
pub(crate) struct Receiving<L: Link> {
    pub(crate) operate: fn(&mut L::Receiver, &Ledger),
    pub(crate) shape: Shape,
    pub(crate) survivor: Survivor,
    /// How many messages are there for each of the two calls. Where a sender sleeps, the channel is full.
    pub(crate) there: u64,
    pub(crate) allowed: Allowed,
    /// Whether the ends have seen single messages only.
    pub(crate) is_adapted: bool,
    /// How soon the survivor goes on.
    pub(crate) prompt: Duration,
    /// How many times fewer positions are tried, where that takes long.
    pub(crate) stride: u64,
}

/// The channel that a receiver is killed at.
pub(crate) struct World<L: Link> {
    channel: L::Channel,
    ledger: Shared<Ledger>,
    /// The child's.
    receiver: RefCell<Option<L::Receiver>>,
    /// This process's, until somebody else has it.
    sender: RefCell<Option<L::Sender>>,
    peer: RefCell<Option<Peer>>,
}

impl<L: Link> Scenario for Receiving<L> {
    type World = World<L>;

    fn stride(&self, asked: u64) -> u64 {
        asked.min(7) * self.stride
    }

    fn prompt(&self) -> Duration {
        self.prompt
    }

    fn world(&self) -> World<L> {
        let channel = L::create(self.shape, None).unwrap();
        if self.is_adapted {
            adapt::<L>(&channel);
        }
        let sender = L::sender(&channel).unwrap();
        // Where one was there before and none is, nothing can be sent.
        let receiver = self.is_adapted.then(|| L::receiver(&channel).unwrap());
        let world = World {
            channel,
            ledger: Ledger::new(),
            receiver: RefCell::new(None),
            sender: RefCell::new(Some(sender)),
            peer: RefCell::new(None),
        };
        self.supply(&world);
        drop(receiver);
        if self.survivor != Survivor::Awake {
            drop(world.sender.take());
        }
        world
    }

    fn operate(&self, world: &World<L>) {
        let mut receiver = world.receiver.borrow_mut();
        let receiver = receiver.get_or_insert_with(|| L::receiver(&world.channel).unwrap());
        (self.operate)(receiver, &world.ledger);
    }

    fn again(&self, world: &World<L>) {
        if self.survivor == Survivor::Awake {
            self.supply(world);
        } else {
            let role = || self.survivor.talk::<L>(&world.channel, &world.ledger, self.more());
            world.peer.replace(survivors::asleep(1, role).pop());
        }
    }

    fn wake(&self, world: &World<L>) {
        let mut sender = world.sender.borrow_mut();
        let sender = sender.as_mut().expect("the one who sends is not asleep himself");
        assert_eq!(tell::<L>(sender, &world.ledger, FOREVER), Said::Yes);
    }

    fn check(&self, world: World<L>) -> Outcome {
        let World { channel, ledger, sender, peer, .. } = world;
        let receiver = || L::receiver(&channel).unwrap();
        let goes_on = match self.survivor {
            Survivor::Awake => {
                let mut sender = sender.into_inner().expect("this process's");
                converse::<L>(&mut sender, &mut receiver(), &ledger)
            }
            Survivor::Asleep => {
                let heard = hear_until::<L>(&mut receiver(), &ledger, self.there + self.more());
                heard && survivors::end(peer.into_inner())
            }
            Survivor::Alone => {
                let ended = survivors::end(peer.into_inner());
                hear_all::<L>(&mut receiver(), &ledger);
                ended
            }
        };
        if goes_on { ledger.outcome(self.allowed) } else { Outcome::Stuck }
    }
}

impl<L: Link> Receiving<L> {
    /// Puts what is there for one call into the channel.
    fn supply(&self, world: &World<L>) {
        let mut sender = world.sender.borrow_mut();
        let sender = sender.as_mut().expect("this process's");
        for _ in 0..self.there {
            assert_eq!(tell::<L>(sender, &world.ledger, FOREVER), Said::Yes);
        }
    }

    /// How many more messages the one who sleeps has to send: more than there is room for.
    fn more(&self) -> u64 {
        self.shape.capacity as u64 + FEW
    }
}

/// Receives until so many messages of the survivor have come.
fn hear_until<L: Link>(receiver: &mut L::Receiver, ledger: &Ledger, count: u64) -> bool {
    const LOOK: Duration = Duration::from_millis(1);
    let start = Instant::now();
    while ledger.heard(Who::Survivor) < count && start.elapsed() < FOREVER {
        hear::<L>(receiver, ledger, LOOK);
    }
    ledger.heard(Who::Survivor) == count
}
