//! Senders that are killed: what they were told is sent arrives, and nothing else does but what they were sending, whole.

use std::cell::RefCell;
use std::time::Duration;

use ipcraft::shm::Shared;
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};

use crate::ledger::{Allowed, Ledger, Who};
use crate::link::{FEW, Link, Said, Shape, WIDE, adapt, converse, hear, hear_all, tell};
use crate::survivor::Survivor;

/// Killed while it sends.
pub(crate) struct Sending<L: Link> {
    operate: fn(&mut L::Sender, &Ledger),
    shape: Shape,
    survivor: Survivor,
    /// Whether the channel is full when it begins, and the receiver makes room when it sleeps.
    is_full: bool,
    /// Whether the ends have seen single messages only.
    is_adapted: bool,
    /// How soon the survivor goes on.
    prompt: Duration,
    /// How many times fewer positions are tried, where that takes long.
    stride: u64,
}

/// The channel that a sender is killed at.
pub(crate) struct World<L: Link> {
    channel: L::Channel,
    ledger: Shared<Ledger>,
    /// The child's.
    sender: RefCell<Option<L::Sender>>,
    /// This process's, where it is the survivor.
    receiver: RefCell<Option<L::Receiver>>,
    peer: RefCell<Option<Peer>>,
}

impl<L: Link> Scenario for Sending<L> {
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
        let receiver = (self.survivor == Survivor::Awake).then(|| L::receiver(&channel).unwrap());
        World {
            channel,
            ledger: Ledger::new(),
            sender: RefCell::new(None),
            receiver: RefCell::new(receiver),
            peer: RefCell::new(None),
        }
    }

    fn operate(&self, world: &World<L>) {
        let mut sender = world.sender.borrow_mut();
        let sender = sender.get_or_insert_with(|| self.take_place(world));
        (self.operate)(sender, &world.ledger);
    }

    fn rearm(&self, world: &World<L>) {
        if self.survivor != Survivor::Awake {
            let role = || self.survivor.listen::<L>(&world.channel, &world.ledger, FEW);
            world.peer.replace(survivors::asleep(1, role).pop());
            if L::COMES_LATE {
                world.ledger.forget();
            }
        }
    }

    fn wake(&self, world: &World<L>) {
        let mut receiver = world.receiver.borrow_mut();
        let receiver = receiver.as_mut().expect("the one who makes room is not asleep himself");
        assert_eq!(hear::<L>(receiver, &world.ledger, HANG_TIMEOUT), Said::Yes);
    }

    fn check(&self, world: World<L>) -> Outcome {
        let World { channel, ledger, receiver, peer, .. } = world;
        let goes_on = match self.survivor {
            Survivor::Awake => {
                let mut receiver = receiver.into_inner().expect("this process's");
                assert_eq!(hear_all::<L>(&mut receiver, &ledger), Said::Gone, "the only sender was killed");
                converse::<L>(&mut L::sender(&channel).unwrap(), &mut receiver, &ledger)
            }
            Survivor::Asleep => {
                let mut sender = L::sender(&channel).unwrap();
                let told = (0..FEW).all(|_| tell::<L>(&mut sender, &ledger, HANG_TIMEOUT) == Said::Yes);
                told && survivors::finish(peer.into_inner())
            }
            Survivor::Alone => survivors::finish(peer.into_inner()),
        };
        if goes_on { ledger.outcome(Allowed::default()) } else { Outcome::Stuck }
    }
}

impl<L: Link> Sending<L> {
    pub(crate) fn new(survivor: Survivor, operate: fn(&mut L::Sender, &Ledger)) -> Self {
        let prompt = survivor.prompt();
        let stride = if survivor == Survivor::Alone { 11 } else { 1 };
        Sending { operate, shape: WIDE, survivor, is_full: false, is_adapted: false, prompt, stride }
    }

    pub(crate) fn initial_position(mut self, start: u64) -> Self {
        self.shape.start = start;
        self
    }

    /// The channel is full, and the one who receives makes room.
    pub(crate) fn when_full(self) -> Self {
        let shape = Shape { capacity: 4, ..self.shape };
        Sending { shape, is_full: true, stride: 7, ..self }
    }

    pub(crate) fn when_adapted(self) -> Self {
        Sending { is_adapted: true, ..self }
    }

    pub(crate) fn stride(self, stride: u64) -> Self {
        Sending { stride, ..self }
    }

    fn take_place(&self, world: &World<L>) -> L::Sender {
        let mut sender = L::sender(&world.channel).unwrap();
        if self.is_full {
            fill::<L>(&mut sender, &world.ledger);
        }
        sender
    }
}

/// Sends as many messages as there is room for.
fn fill<L: Link>(sender: &mut L::Sender, ledger: &Ledger) {
    loop {
        let note = ledger.begin(Who::Victim);
        if L::send(sender, note, Duration::ZERO).is_err() {
            ledger.take_back(note);
            break;
        }
        ledger.sent(Who::Victim, 1);
    }
}
