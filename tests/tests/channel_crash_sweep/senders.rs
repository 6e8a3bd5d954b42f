//! Crashes of senders: each message whose send succeeded arrives, and the message in progress
//! arrives whole or not at all.

use std::cell::RefCell;
use std::time::Duration;

use ipcraft::shm::Shared;
use ipcraft_tests::channel_kind::{ChannelKind, Config, Numbered, Send, SendWay};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::subject::Form;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};

use crate::delivery_log::{Allowed, DeliveryLog, Role, message};
use crate::exchange::{FEW, Said, WIDE, adapt, exchange, recv, recv_all, send};
use crate::survivor::Survivor;

/// A sender that is killed while it sends.
pub(crate) struct Sending<K: ChannelKind> {
    send: Send<K>,
    form: Form,
    /// The messages of one call, and the calls of the operation.
    batch: usize,
    calls: usize,
    /// Whether a successful call sends its messages.
    commits: bool,
    config: Config,
    survivor: Survivor,
    /// Whether the channel is full at the beginning; the receiver makes room when the sender
    /// blocks.
    is_full: bool,
    /// Whether the endpoints have seen single messages only.
    is_adapted: bool,
    /// The factor on the stride.
    stride: u64,
}

/// The channel of the sender.
pub(crate) struct Fixture<K: ChannelKind> {
    channel: K::Channel,
    log: Shared<DeliveryLog>,
    /// The child's.
    sender: RefCell<Option<K::Sender>>,
    /// This process's, where it is the survivor.
    receiver: RefCell<Option<K::Receiver>>,
    peer: RefCell<Option<Peer>>,
}

impl<K: ChannelKind> Scenario for Sending<K> {
    type Fixture = Fixture<K>;

    fn stride(&self, asked: u64) -> u64 {
        self.survivor.stride(asked) * self.stride * K::SWEEP_STRIDE
    }

    fn progress_timeout(&self) -> Duration {
        self.survivor.progress_timeout()
    }

    fn fixture(&self) -> Fixture<K> {
        let channel = K::anonymous(self.config).unwrap();
        if self.is_adapted {
            adapt::<K>(&channel);
        }
        let receiver = (self.survivor == Survivor::Running).then(|| K::receiver(&channel).unwrap());
        Fixture {
            channel,
            log: DeliveryLog::new(),
            sender: RefCell::new(None),
            receiver: RefCell::new(receiver),
            peer: RefCell::new(None),
        }
    }

    fn operate(&self, fixture: &Fixture<K>) {
        let mut sender = fixture.sender.borrow_mut();
        let sender = sender.get_or_insert_with(|| self.take_sender(fixture));
        for _ in 0..self.calls {
            self.send(sender, &fixture.log);
        }
    }

    fn rearm(&self, fixture: &Fixture<K>) {
        if self.survivor != Survivor::Running {
            let role = || self.survivor.recv_until::<K>(&fixture.channel, &fixture.log, FEW);
            fixture.peer.replace(survivors::asleep(1, role).pop());
            if K::JOINS_LATE {
                fixture.log.forget();
            }
        }
    }

    fn wake(&self, fixture: &Fixture<K>) {
        let mut receiver = fixture.receiver.borrow_mut();
        let receiver = receiver.as_mut().expect("a running receiver makes room");
        assert_eq!(recv::<K>(receiver, &fixture.log, HANG_TIMEOUT), Said::Yes);
    }

    fn check(&self, fixture: Fixture<K>) -> Outcome {
        let Fixture { channel, log, receiver, peer, .. } = fixture;
        let makes_progress = match self.survivor {
            Survivor::Running => {
                let mut receiver = receiver.into_inner().expect("this process's");
                let reason = recv_all::<K>(&mut receiver, &log);
                assert_eq!(reason, Said::Disconnected, "the only sender was killed");
                exchange::<K>(&mut K::sender(&channel).unwrap(), &mut receiver, &log)
            }
            Survivor::Blocked | Survivor::Polling => {
                let mut sender = K::sender(&channel).unwrap();
                let sent = (0..FEW).all(|_| send::<K>(&mut sender, &log, HANG_TIMEOUT) == Said::Yes);
                sent && survivors::finish(peer.into_inner())
            }
            Survivor::Alone | Survivor::PollingAlone => survivors::finish(peer.into_inner()),
        };
        if makes_progress { log.outcome(Allowed::default()) } else { Outcome::Stuck }
    }
}

impl<K: ChannelKind> Sending<K> {
    pub(crate) fn new(survivor: Survivor, way: &SendWay<K>) -> Self {
        Sending {
            send: way.send,
            form: Form::Wait,
            batch: way.batch,
            calls: 1,
            commits: way.commits,
            config: WIDE,
            survivor,
            is_full: false,
            is_adapted: false,
            // A loan has many instructions in which no other process sees a change.
            stride: if way.function == "loan" { 3 } else { 1 },
        }
    }

    pub(crate) fn initial_position(mut self, position: u64) -> Self {
        self.config.initial_position = position;
        self
    }

    pub(crate) fn form(self, form: Form) -> Self {
        Sending { form, ..self }
    }

    pub(crate) fn stride(self, stride: u64) -> Self {
        Sending { stride, ..self }
    }

    /// Repeats the call, which makes the operation long.
    pub(crate) fn calls(self, calls: usize) -> Self {
        Sending { calls, stride: 211, ..self }
    }

    /// The channel is full, and the receiver makes room.
    pub(crate) fn when_full(self) -> Self {
        let config = Config { capacity: 4, ..self.config };
        Sending { config, is_full: true, stride: if self.batch > 1 { 31 } else { 7 }, ..self }
    }

    pub(crate) fn when_adapted(self) -> Self {
        Sending { is_adapted: true, ..self }
    }

    fn send(&self, sender: &mut K::Sender, log: &DeliveryLog) {
        if !self.commits {
            return (self.send)(sender, &[Numbered::numbered(0)], self.form).unwrap();
        }
        let sent = match self.batch {
            // Without a list, which would add instructions.
            1 => (self.send)(sender, &[message(log.begin(Role::Victim))], self.form),
            _ => {
                let messages: Vec<K::Message> =
                    (0..self.batch).map(|_| message(log.begin(Role::Victim))).collect();
                (self.send)(sender, &messages, self.form)
            }
        };
        sent.unwrap();
        log.add_sent(Role::Victim, self.batch as u64);
    }

    fn take_sender(&self, fixture: &Fixture<K>) -> K::Sender {
        let mut sender = K::sender(&fixture.channel).unwrap();
        if self.is_full {
            fill::<K>(&mut sender, &fixture.log);
        }
        sender
    }
}

/// Sends as many messages as there is room for.
fn fill<K: ChannelKind>(sender: &mut K::Sender, log: &DeliveryLog) {
    loop {
        let entry = log.begin(Role::Victim);
        if (K::SENDS[0].send)(sender, &[message(entry)], Form::Within(Duration::ZERO)).is_err() {
            log.take_back(entry);
            break;
        }
        log.add_sent(Role::Victim, 1);
    }
}
