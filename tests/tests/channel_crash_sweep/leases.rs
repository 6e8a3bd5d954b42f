//! Crashes while an endpoint is taken or dropped: its lease is free afterwards, whatever the killed
//! process was doing.

use std::cell::RefCell;

use ipcraft::name;
use ipcraft::shm::Shared;
use ipcraft_tests::channel_kind::ChannelKind;
use ipcraft_tests::crash_sweep::{Outcome, Scenario};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::survivors::{self, HANG_TIMEOUT};

use crate::delivery_log::{Allowed, DeliveryLog};
use crate::exchange::{FEW, NARROW, Said, exchange, send};
use crate::survivor::Survivor;

/// A process that is killed while it takes or drops an endpoint.
pub(crate) struct Leasing<K: ChannelKind> {
    /// Leaves the channel as it was.
    operate: fn(&K::Channel, &str),
    is_named: bool,
    /// Whether another process is blocked in a receive meanwhile.
    has_blocked_receiver: bool,
    /// The factor on the stride.
    stride: u64,
}

impl<K: ChannelKind> Leasing<K> {
    /// Takes it from the channel.
    pub(crate) fn from_channel(operate: fn(&K::Channel, &str)) -> Self {
        Leasing { operate, is_named: false, has_blocked_receiver: false, stride: 13 }
    }

    /// Takes it by name, which has more instructions.
    pub(crate) fn by_name(operate: fn(&K::Channel, &str)) -> Self {
        Leasing { is_named: true, stride: 89, ..Leasing::from_channel(operate) }
    }

    /// Takes it from a descriptor, which has more instructions.
    pub(crate) fn by_descriptor(operate: fn(&K::Channel, &str)) -> Self {
        Leasing { stride: 89, ..Leasing::from_channel(operate) }
    }

    pub(crate) fn with_blocked_receiver(self) -> Self {
        Leasing { has_blocked_receiver: true, ..self }
    }
}

/// A channel with a message in it, and without endpoints.
pub(crate) struct Fixture<K: ChannelKind> {
    channel: K::Channel,
    log: Shared<DeliveryLog>,
    name: Name,
    peer: RefCell<Option<Peer>>,
}

/// A name that is removed also when a check fails.
pub(crate) struct Name(pub(crate) String);

impl Name {
    pub(crate) fn new() -> Name {
        Name(format!("/{}", name::unique("ipcraft-tests")))
    }

    /// Removes the name, and returns whether it existed.
    pub(crate) fn remove(&self) -> bool {
        std::fs::remove_file(format!("/dev/shm{}", self.0)).is_ok()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.remove();
    }
}

impl<K: ChannelKind> Scenario for Leasing<K> {
    type Fixture = Fixture<K>;

    fn stride(&self, asked: u64) -> u64 {
        asked * self.stride
    }

    fn stops_at_calls(&self) -> bool {
        true
    }

    fn fixture(&self) -> Fixture<K> {
        let name = Name::new();
        let channel = if self.is_named { K::create_new(NARROW, &name.0) } else { K::anonymous(NARROW) };
        let fixture =
            Fixture { channel: channel.unwrap(), log: DeliveryLog::new(), name, peer: RefCell::new(None) };
        let mut sender = K::sender(&fixture.channel).unwrap();
        assert_eq!(send::<K>(&mut sender, &fixture.log, HANG_TIMEOUT), Said::Yes);
        fixture
    }

    fn operate(&self, fixture: &Fixture<K>) {
        (self.operate)(&fixture.channel, &fixture.name.0);
    }

    fn rearm(&self, fixture: &Fixture<K>) {
        if self.has_blocked_receiver {
            let role = || Survivor::Blocked.recv_until::<K>(&fixture.channel, &fixture.log, 1 + FEW);
            fixture.peer.replace(survivors::asleep(1, role).pop());
            if K::JOINS_LATE {
                fixture.log.forget();
            }
        }
    }

    fn check(&self, fixture: Fixture<K>) -> Outcome {
        let Fixture { channel, log, peer, .. } = fixture;
        let mut sender = K::sender(&channel).unwrap();
        if K::JOINS_LATE {
            log.forget();
        }
        let makes_progress = if self.has_blocked_receiver {
            let sent = (0..FEW).all(|_| send::<K>(&mut sender, &log, HANG_TIMEOUT) == Said::Yes);
            sent && survivors::finish(peer.into_inner())
        } else {
            exchange::<K>(&mut sender, &mut K::receiver(&channel).unwrap(), &log)
        };
        if makes_progress { log.outcome(Allowed::default()) } else { Outcome::Stuck }
    }
}
