//! Those who are at the other end when a process is killed.

use std::thread::sleep;
use std::time::Duration;

use ipcraft_tests::crash_sweep::PROGRESS_TIMEOUT;
use ipcraft_tests::survivors::HANG_TIMEOUT;

use crate::ledger::{Ledger, Who};
use crate::link::{Link, Said, hear, tell};

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivor {
    /// The test's own process, which does something else meanwhile.
    Awake,
    /// A process that sleeps there, and somebody takes the place of the one who was killed.
    Asleep,
    /// A process that sleeps there, and nobody comes.
    Alone,
}

/// How soon one who sleeps and is not woken has to notice that somebody was killed.
pub(crate) const NOTICE: Duration = Duration::from_secs(1);

/// Between two looks whether somebody has come.
const LOOK: Duration = Duration::from_micros(200);

impl Survivor {
    /// How soon he goes on.
    pub(crate) fn prompt(self) -> Duration {
        if self == Survivor::Alone { NOTICE } else { PROGRESS_TIMEOUT }
    }

    /// What the sleeping receiver does: receives until those who are left have said so much, or until nobody is left.
    pub(crate) fn listen<L: Link>(self, channel: &L::Channel, ledger: &Ledger, until: u64) {
        let mut receiver = L::receiver(channel).unwrap();
        while ledger.heard(Who::Survivor) < until {
            let said = hear::<L>(&mut receiver, ledger, HANG_TIMEOUT);
            if self.ends_after(said) {
                break;
            }
        }
    }

    /// What the sleeping sender does: sends so many messages, or until nobody is left.
    pub(crate) fn talk<L: Link>(self, channel: &L::Channel, ledger: &Ledger, count: u64) {
        let mut sender = L::sender(channel).unwrap();
        let mut told = 0;
        while told < count {
            let said = tell::<L>(&mut sender, ledger, HANG_TIMEOUT);
            told += u64::from(said == Said::Yes);
            if self.ends_after(said) {
                break;
            }
        }
    }

    fn ends_after(self, said: Said) -> bool {
        assert_ne!(said, Said::Late, "asleep for ever");
        if said == Said::Gone && self != Survivor::Alone {
            // Somebody is about to come.
            sleep(LOOK);
        }
        said == Said::Gone && self == Survivor::Alone
    }
}
