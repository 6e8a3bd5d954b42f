//! The other side when a process is killed.

use std::thread::sleep;
use std::time::Duration;

use ipcraft_tests::channel_kind::ChannelKind;
use ipcraft_tests::crash_sweep::progress_timeout;
use ipcraft_tests::survivors::HANG_TIMEOUT;
use ipcraft_tests::time::death_notice_timeout;

use crate::delivery_log::{DeliveryLog, Role};
use crate::event_loop::{poll_recv, poll_send, receiver_loop, sender_loop};
use crate::exchange::{Said, recv, send};

/// The other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivor {
    /// The test's own process, which does not wait meanwhile.
    Running,
    /// A process that is blocked, while the test replaces the process that was killed.
    Blocked,
    /// A process that is blocked, and no replacement comes.
    Alone,
    /// A process that polls in an event loop, while the test replaces the process that was killed.
    Polling,
    /// A process that polls in an event loop, and no replacement comes.
    PollingAlone,
}

/// The interval at which a survivor tries again after its peer died.
const RETRY_INTERVAL: Duration = Duration::from_micros(200);

impl Survivor {
    /// The time in which it has to make progress.
    pub(crate) fn progress_timeout(self) -> Duration {
        if self == Survivor::Alone { death_notice_timeout() } else { progress_timeout() }
    }

    /// The factor on the stride: a survivor that is alone takes 250 ms at each position.
    pub(crate) fn stride(self, asked: u64) -> u64 {
        // At least two positions of the shortest operations.
        if self == Survivor::Alone { asked.min(7) * 11 } else { asked }
    }

    /// Whether no replacement for the killed process comes.
    pub(crate) fn is_alone(self) -> bool {
        matches!(self, Survivor::Alone | Survivor::PollingAlone)
    }

    /// Whether it waits in an event loop.
    fn polls(self) -> bool {
        matches!(self, Survivor::Polling | Survivor::PollingAlone)
    }

    /// Receives until the survivors have sent `until` messages, or until no sender is left.
    pub(crate) fn recv_until<K: ChannelKind>(self, channel: &K::Channel, log: &DeliveryLog, until: u64) {
        let mut receiver = K::receiver(channel).unwrap();
        let event_loop = self.polls().then(|| receiver_loop::<K>(&receiver));
        while log.received(Role::Survivor) < until {
            let said = match &event_loop {
                Some(event_loop) => poll_recv::<K>(event_loop, &mut receiver, log),
                None => recv::<K>(&mut receiver, log, HANG_TIMEOUT),
            };
            if self.ends_after(said) {
                break;
            }
        }
    }

    /// Sends `count` messages, or until no receiver is left.
    pub(crate) fn send_all<K: ChannelKind>(self, channel: &K::Channel, log: &DeliveryLog, count: u64) {
        let mut sender = K::sender(channel).unwrap();
        let event_loop = self.polls().then(|| sender_loop::<K>(&sender));
        let mut sent = 0;
        while sent < count {
            let said = match &event_loop {
                Some(event_loop) => poll_send::<K>(event_loop, &mut sender, log),
                None => send::<K>(&mut sender, log, HANG_TIMEOUT),
            };
            sent += u64::from(said == Said::Yes);
            if self.ends_after(said) {
                break;
            }
        }
    }

    fn ends_after(self, said: Said) -> bool {
        assert_ne!(said, Said::TimedOut, "the survivor is not woken");
        if said == Said::Disconnected && !self.is_alone() {
            // The replacement is about to come.
            sleep(RETRY_INTERVAL);
        }
        said == Said::Disconnected && self.is_alone()
    }
}
