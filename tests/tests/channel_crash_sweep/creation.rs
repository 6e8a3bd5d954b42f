//! Crashes during creation by name: afterwards there is a complete channel, or none.

use ipcraft::{ErrorKind, Result};
use ipcraft_tests::channel_kind::{ChannelKind, Config};
use ipcraft_tests::crash_sweep::{Outcome, Scenario};

use crate::delivery_log::{Allowed, DeliveryLog};
use crate::exchange::{NARROW, exchange};
use crate::leases::Name;

/// A process that is killed while it creates a channel by name.
pub(crate) struct Creation<K: ChannelKind> {
    pub(crate) create: fn(Config, &str) -> Result<K::Channel>,
}

impl<K: ChannelKind> Scenario for Creation<K> {
    type Fixture = Name;

    /// No other process sees the channel before it has its name.
    fn is_long(&self) -> bool {
        true
    }

    fn fixture(&self) -> Name {
        Name::new()
    }

    fn operate(&self, name: &Name) {
        drop((self.create)(NARROW, &name.0).unwrap());
    }

    fn rearm(&self, name: &Name) {
        assert!(name.remove(), "the first call has created it");
    }

    fn check(&self, name: Name) -> Outcome {
        let channel = K::open(&name.0).or_else(|error| {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            (self.create)(NARROW, &name.0)
        });
        let channel = channel.unwrap();
        let log = DeliveryLog::new();
        // The other endpoint finds the channel by its name.
        let mut receiver = K::receiver(&K::open(&name.0).unwrap()).unwrap();
        if exchange::<K>(&mut K::sender(&channel).unwrap(), &mut receiver, &log) {
            log.outcome(Allowed::default())
        } else {
            Outcome::Stuck
        }
    }
}
