//! Receivers that are killed: what they did not receive is received by the next one, and what they did is not, but for
//! what is documented.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use ipcraft::shm::Shared;
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};

use crate::ledger::{Allowed, Ledger, Who};
use crate::link::{FEW, Link, NARROW, Said, Shape, WIDE, adapt, converse, hear, hear_all, tell};
use crate::survivor::Survivor;

/// Killed while it receives.
pub(crate) struct Receiving<L: Link> {
    operate: fn(&mut L::Receiver, &Ledger),
    shape: Shape,
    survivor: Survivor,
    /// How many messages are there for each of the two calls; `FULL` for as many as there is room for.
    there: u64,
    allowed: Allowed,
    /// Whether the ends have seen single messages only.
    is_adapted: bool,
    /// How soon the survivor goes on.
    prompt: Duration,
    /// How many times fewer positions are tried, where that takes long.
    stride: u64,
}

/// As many as there is room for.
const FULL: u64 = u64::MAX;

/// The channel that a receiver is killed at.
pub(crate) struct World<L: Link> {
    channel: L::Channel,
    ledger: Shared<Ledger>,
    /// The child's.
    receiver: RefCell<Option<L::Receiver>>,
    /// This process's, until somebody else has it.
    sender: RefCell<Option<L::Sender>>,
    peer: RefCell<Option<Peer>>,
    /// How many messages this process has sent.
    there: Cell<u64>,
}

impl<L: Link> Scenario for Receiving<L> {
    type Fixture = World<L>;

    fn stride(&self, asked: u64) -> u64 {
        // At least two positions of the shortest operations.
        if self.survivor == Survivor::Alone { asked.min(7) * self.stride } else { asked * self.stride }
    }

    fn progress_timeout(&self) -> Duration {
        self.prompt
    }

    fn fixture(&self) -> World<L> {
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
            there: Cell::new(0),
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

    fn rearm(&self, world: &World<L>) {
        if self.survivor == Survivor::Awake {
            self.supply(world);
        } else {
            let role = || self.survivor.talk::<L>(&world.channel, &world.ledger, more(world.there.get()));
            world.peer.replace(survivors::asleep(1, role).pop());
        }
    }

    fn wake(&self, world: &World<L>) {
        let mut sender = world.sender.borrow_mut();
        let sender = sender.as_mut().expect("the one who sends is not asleep himself");
        assert_eq!(tell::<L>(sender, &world.ledger, HANG_TIMEOUT), Said::Yes);
    }

    fn check(&self, world: World<L>) -> Outcome {
        let World { channel, ledger, sender, peer, there, .. } = world;
        let receiver = || L::receiver(&channel).unwrap();
        let goes_on = match self.survivor {
            Survivor::Awake => {
                let mut sender = sender.into_inner().expect("this process's");
                converse::<L>(&mut sender, &mut receiver(), &ledger)
            }
            Survivor::Asleep => {
                let mut receiver = receiver();
                let heard = hear_until::<L>(&mut receiver, &ledger, there.get() + more(there.get()));
                hear_all::<L>(&mut receiver, &ledger);
                heard && survivors::finish(peer.into_inner())
            }
            Survivor::Alone => {
                let ended = survivors::finish(peer.into_inner());
                hear_all::<L>(&mut receiver(), &ledger);
                ended
            }
        };
        if goes_on { ledger.outcome(self.allowed) } else { Outcome::Stuck }
    }
}

impl<L: Link> Receiving<L> {
    /// One message is there for each call, and is lost with the one who had received it.
    pub(crate) fn new(survivor: Survivor, operate: fn(&mut L::Receiver, &Ledger)) -> Self {
        let allowed = Allowed { lost: 1, ..Allowed::default() };
        let prompt = survivor.prompt();
        let stride = if survivor == Survivor::Alone { 11 } else { 1 };
        Receiving { operate, shape: NARROW, survivor, there: 1, allowed, is_adapted: false, prompt, stride }
    }

    pub(crate) fn initial_position(mut self, start: u64) -> Self {
        self.shape.start = start;
        self
    }

    pub(crate) fn there(self, there: u64) -> Self {
        Receiving { there, ..self }
    }

    /// There is nothing, until it sleeps.
    pub(crate) fn when_empty(self) -> Self {
        Receiving { there: 0, stride: 7, ..self }
    }

    /// The channel is full, and somebody sends.
    pub(crate) fn when_full(self) -> Self {
        let shape = Shape { capacity: 4, ..self.shape };
        Receiving { there: FULL, shape, ..self }
    }

    pub(crate) fn when_adapted(self) -> Self {
        Receiving { is_adapted: true, ..self }
    }

    /// What the one who dies has not given back comes again, and is not lost.
    pub(crate) fn keeping(self, again: u64) -> Self {
        Receiving { allowed: Allowed { again, lost: 0, ..self.allowed }, ..self }
    }

    /// What comes again comes after others.
    pub(crate) fn out_of_order(self) -> Self {
        Receiving { allowed: Allowed { late: 1, ..self.allowed }, ..self }
    }

    /// It may die before it wakes the one who waits for room, and then the next one has nothing to receive.
    pub(crate) fn prompt(self, prompt: Duration) -> Self {
        Receiving { prompt, ..self }
    }

    pub(crate) fn wide(self) -> Self {
        Receiving { shape: WIDE, ..self }
    }

    pub(crate) fn stride(self, stride: u64) -> Self {
        Receiving { stride, ..self }
    }

    /// Puts what is there for one call into the channel.
    fn supply(&self, world: &World<L>) {
        let mut sender = world.sender.borrow_mut();
        let sender = sender.as_mut().expect("this process's");
        if self.there == FULL {
            while tell::<L>(sender, &world.ledger, Duration::ZERO) == Said::Yes {}
        } else {
            (0..self.there)
                .for_each(|_| assert_eq!(tell::<L>(sender, &world.ledger, HANG_TIMEOUT), Said::Yes));
        }
        world.there.set(world.ledger.told(Who::Survivor));
    }
}

/// How many more messages the one who sleeps has to send: more than there is room for.
fn more(there: u64) -> u64 {
    there + FEW
}

/// Receives until so many messages of the survivor have come.
fn hear_until<L: Link>(receiver: &mut L::Receiver, ledger: &Ledger, count: u64) -> bool {
    const LOOK: Duration = Duration::from_millis(1);
    let start = Instant::now();
    while ledger.heard(Who::Survivor) < count && start.elapsed() < HANG_TIMEOUT {
        hear::<L>(receiver, ledger, LOOK);
    }
    ledger.heard(Who::Survivor) == count
}
