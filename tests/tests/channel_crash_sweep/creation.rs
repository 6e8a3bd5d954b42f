//! Creation by name: afterwards there is a whole channel, or none at all.

use ipcraft::ErrorKind;
use ipcraft_tests::crash_sweep::{Outcome, Scenario};

use crate::ledger::{Allowed, Ledger};
use crate::link::{Link, NARROW, Shape, converse};
use crate::seats::Name;

/// Killed while it creates a channel by name.
pub(crate) struct Creation<L: Link> {
    pub(crate) create: fn(Shape, &str) -> ipcraft::Result<L::Channel>,
}

impl<L: Link> Scenario for Creation<L> {
    type Fixture = Name;

    /// Nobody sees the channel before it has its name.
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
        let channel = L::open(&name.0).or_else(|error| {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            (self.create)(NARROW, &name.0)
        });
        let channel = channel.unwrap();
        let ledger = Ledger::new();
        // The other end finds it by its name.
        let mut receiver = L::receiver(&L::open(&name.0).unwrap()).unwrap();
        if converse::<L>(&mut L::sender(&channel).unwrap(), &mut receiver, &ledger) {
            ledger.outcome(Allowed::default())
        } else {
            Outcome::Stuck
        }
    }
}
