//! Crashes of receivers: the next receiver receives what the killed one did not, except as
//! documented.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use ipcraft::shm::Shared;
use ipcraft_tests::channel_kind::{ChannelKind, Config, Held, Recv, RecvWay};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::Form;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};
use ipcraft_tests::time::death_notice_timeout;

use crate::delivery_log::{Allowed, DeliveryLog, Role, entry};
use crate::exchange::{FEW, NARROW, Said, WIDE, adapt, exchange, recv, recv_all, send};
use crate::survivor::Survivor;

/// A receiver that is killed while it receives.
pub(crate) struct Receiving<K: ChannelKind> {
    recv: Recv<K>,
    form: Form,
    held: Held,
    takes_all: bool,
    config: Config,
    survivor: Survivor,
    /// The messages that are there for each of the two calls; `FULL` for as many as there is room
    /// for.
    supply: u64,
    /// The messages that may arrive after later ones.
    late: u64,
    /// Whether the endpoints have seen single messages only.
    is_adapted: bool,
    /// The factor on the stride.
    stride: u64,
}

/// The messages that a drain frees together, at most.
const MAX_HELD: u64 = 64;

/// As many messages as there is room for.
const FULL: u64 = u64::MAX;

/// The channel of the receiver.
pub(crate) struct Fixture<K: ChannelKind> {
    channel: K::Channel,
    log: Shared<DeliveryLog>,
    /// The child's.
    receiver: RefCell<Option<K::Receiver>>,
    /// This process's, until another process has it.
    sender: RefCell<Option<K::Sender>>,
    peer: RefCell<Option<Peer>>,
    /// The messages that this process has sent.
    supplied: Cell<u64>,
}

impl<K: ChannelKind> Scenario for Receiving<K> {
    type Fixture = Fixture<K>;

    fn stride(&self, asked: u64) -> u64 {
        self.survivor.stride(asked) * self.stride * K::SWEEP_STRIDE
    }

    /// A drain may die before it wakes the blocked sender, and then the next receiver finds nothing
    /// to receive.
    fn progress_timeout(&self) -> Duration {
        let must_poll = self.takes_all && self.survivor == Survivor::Blocked;
        if must_poll { death_notice_timeout() } else { self.survivor.progress_timeout() }
    }

    fn fixture(&self) -> Fixture<K> {
        let channel = K::anonymous(self.config).unwrap();
        if self.is_adapted {
            adapt::<K>(&channel);
        }
        let sender = K::sender(&channel).unwrap();
        // After the only receiver has left, nothing can be sent.
        let receiver = self.is_adapted.then(|| K::receiver(&channel).unwrap());
        let fixture = Fixture {
            channel,
            log: DeliveryLog::new(),
            receiver: RefCell::new(None),
            sender: RefCell::new(Some(sender)),
            peer: RefCell::new(None),
            supplied: Cell::new(0),
        };
        self.supply(&fixture);
        drop(receiver);
        if self.survivor != Survivor::Running {
            drop(fixture.sender.take());
        }
        fixture
    }

    fn operate(&self, fixture: &Fixture<K>) {
        let mut receiver = fixture.receiver.borrow_mut();
        let receiver = receiver.get_or_insert_with(|| K::receiver(&fixture.channel).unwrap());
        let mut log = |message| fixture.log.add_received(entry(&message));
        (self.recv)(receiver, self.form, &mut log).unwrap();
    }

    fn rearm(&self, fixture: &Fixture<K>) {
        if self.survivor == Survivor::Running {
            self.supply(fixture);
        } else {
            let count = more_than(fixture.supplied.get());
            let role = || self.survivor.send_all::<K>(&fixture.channel, &fixture.log, count);
            fixture.peer.replace(survivors::asleep(1, role).pop());
        }
    }

    fn wake(&self, fixture: &Fixture<K>) {
        let mut sender = fixture.sender.borrow_mut();
        let sender = sender.as_mut().expect("a running sender sends");
        assert_eq!(send::<K>(sender, &fixture.log, HANG_TIMEOUT), Said::Yes);
    }

    fn check(&self, fixture: Fixture<K>) -> Outcome {
        let allowed = self.allowed(&fixture);
        let Fixture { channel, log, sender, peer, supplied, .. } = fixture;
        let receiver = || K::receiver(&channel).unwrap();
        let makes_progress = match self.survivor {
            Survivor::Running => {
                let mut sender = sender.into_inner().expect("this process's");
                exchange::<K>(&mut sender, &mut receiver(), &log)
            }
            Survivor::Blocked | Survivor::Polling => {
                let mut receiver = receiver();
                let count = supplied.get() + more_than(supplied.get());
                let received = recv_until::<K>(&mut receiver, &log, count);
                recv_all::<K>(&mut receiver, &log);
                received && survivors::finish(peer.into_inner())
            }
            Survivor::Alone | Survivor::PollingAlone => {
                let ended = survivors::finish(peer.into_inner());
                recv_all::<K>(&mut receiver(), &log);
                ended
            }
        };
        if makes_progress { log.outcome(allowed) } else { Outcome::Stuck }
    }
}

impl<K: ChannelKind> Receiving<K> {
    /// One message is there for each call.
    pub(crate) fn new(survivor: Survivor, way: &RecvWay<K>) -> Self {
        Receiving {
            recv: way.recv,
            form: Form::Wait,
            held: way.held,
            takes_all: way.takes_all,
            config: NARROW,
            survivor,
            supply: if way.takes_all { FEW } else { 1 },
            late: u64::from(K::REORDERS),
            is_adapted: false,
            stride: if way.takes_all || way.held == Held::Redelivered { 3 } else { 1 },
        }
    }

    pub(crate) fn initial_position(mut self, position: u64) -> Self {
        self.config.initial_position = position;
        self
    }

    pub(crate) fn form(self, form: Form) -> Self {
        Receiving { form, ..self }
    }

    pub(crate) fn stride(self, stride: u64) -> Self {
        Receiving { stride, ..self }
    }

    /// More messages than a drain frees together.
    pub(crate) fn many(self) -> Self {
        Receiving { config: WIDE, supply: 70, stride: 211, ..self }
    }

    /// The channel is empty until the receiver blocks.
    pub(crate) fn when_empty(self) -> Self {
        Receiving { supply: 0, stride: 7, ..self }
    }

    /// The channel is full, and the sender is blocked.
    pub(crate) fn when_full(self) -> Self {
        let config = Config { capacity: 4, ..self.config };
        Receiving { supply: FULL, config, ..self }
    }

    pub(crate) fn when_adapted(self) -> Self {
        Receiving { is_adapted: true, ..self }
    }

    /// What may happen to messages that the killed receiver held.
    fn allowed(&self, fixture: &Fixture<K>) -> Allowed {
        let supplied = fixture.supplied.get();
        let held = if self.takes_all { supplied.min(MAX_HELD) } else { 1 };
        match self.held {
            Held::Lost => Allowed { lost: 1, again: 0, late: self.late },
            Held::BatchLost => Allowed { lost: supplied, again: 0, late: self.late },
            Held::Redelivered => Allowed { lost: 0, again: held, late: self.late },
        }
    }

    /// Sends what one call is to receive.
    fn supply(&self, fixture: &Fixture<K>) {
        let mut sender = fixture.sender.borrow_mut();
        let sender = sender.as_mut().expect("this process's");
        if self.supply == FULL {
            while send::<K>(sender, &fixture.log, Duration::ZERO) == Said::Yes {}
        } else {
            (0..self.supply)
                .for_each(|_| assert_eq!(send::<K>(sender, &fixture.log, HANG_TIMEOUT), Said::Yes));
        }
        fixture.supplied.set(fixture.log.sent(Role::Survivor));
    }
}

/// The messages that a blocked sender still has to send: more than there is room for.
fn more_than(supplied: u64) -> u64 {
    supplied + FEW
}

/// Receives until `count` messages of survivors have arrived.
fn recv_until<K: ChannelKind>(receiver: &mut K::Receiver, log: &DeliveryLog, count: u64) -> bool {
    const POLL_INTERVAL: Duration = Duration::from_millis(1);
    let start = Instant::now();
    while log.received(Role::Survivor) < count && start.elapsed() < HANG_TIMEOUT {
        recv::<K>(receiver, log, POLL_INTERVAL);
    }
    log.received(Role::Survivor) == count
}
