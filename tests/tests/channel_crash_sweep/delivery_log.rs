//! A log of what each side sent and received, in memory apart from the channel, which a crash does
//! not change.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::SeqCst};

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;

use ipcraft_tests::channel_kind::Numbered;
use ipcraft_tests::crash_sweep::Outcome;

/// A sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The process that is killed.
    Victim,
    /// The processes that are left, one at a time.
    Survivor,
}

/// One message: its sender, and its position among the sender's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) role: Role,
    pub(crate) number: u64,
}

ipcraft::shared_struct! {
    pub(crate) struct DeliveryLog {
        /// The messages that each role began to send.
        begun: [AtomicU64; 2],
        /// The messages whose send succeeded.
        sent: [AtomicU64; 2],
        /// One more than the last message that was received.
        received: [AtomicU64; 2],
        /// How often each message was received.
        times: [[AtomicU8; MAX_MESSAGES]; 2],
        /// The received messages that no role sent.
        corrupted: AtomicU64,
        /// The messages that arrived for the first time after a later message.
        late: AtomicU64,
    }
}

/// The messages that each role can send.
const MAX_MESSAGES: usize = 256;

/// What may happen to the messages that a receiver held when it was killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// The messages that may be lost.
    pub(crate) lost: u64,
    /// The messages that may arrive again.
    pub(crate) again: u64,
    /// The messages that may arrive after later ones.
    pub(crate) late: u64,
}

impl DeliveryLog {
    /// An empty log that a forked child shares.
    pub(crate) fn new() -> Shared<DeliveryLog> {
        let memory = Memfd::create("delivery_log", Shared::<DeliveryLog>::SIZE).unwrap();
        Shared::initialize(memory.map().unwrap(), |_| Ok(())).unwrap()
    }

    /// The next message of a role, which is about to send it.
    pub(crate) fn begin(&self, role: Role) -> Entry {
        Entry { role, number: self.begun[role as usize].fetch_add(1, SeqCst) }
    }

    /// The sends of further messages succeeded.
    pub(crate) fn add_sent(&self, role: Role, count: u64) {
        self.sent[role as usize].fetch_add(count, SeqCst);
    }

    /// The send of the last message failed.
    pub(crate) fn take_back(&self, entry: Entry) {
        let begun = self.begun[entry.role as usize].fetch_sub(1, SeqCst);
        assert_eq!(begun, entry.number + 1, "the last one");
    }

    /// A message was received; `None` is one that no role sent.
    pub(crate) fn add_received(&self, entry: Option<Entry>) {
        let Some(Entry { role, number }) = entry.filter(|entry| entry.number < MAX_MESSAGES as u64) else {
            self.corrupted.fetch_add(1, SeqCst);
            return;
        };
        let seen = self.times[role as usize][number as usize].fetch_add(1, SeqCst) > 0;
        if number < self.received(role) {
            self.late.fetch_add(u64::from(!seen), SeqCst);
        } else {
            self.received[role as usize].store(number + 1, SeqCst);
        }
    }

    /// Excuses what was sent so far from being received.
    pub(crate) fn forget(&self) {
        for (sent, times) in self.sent.iter().zip(&self.times) {
            for times in &times[..sent.load(SeqCst) as usize] {
                times.store(1, SeqCst);
            }
        }
    }

    /// One more than the last message of a role that was received.
    pub(crate) fn received(&self, role: Role) -> u64 {
        self.received[role as usize].load(SeqCst)
    }

    /// The messages of a role whose send succeeded.
    pub(crate) fn sent(&self, role: Role) -> u64 {
        self.sent[role as usize].load(SeqCst)
    }

    /// Compares both sides, once everything that there is was received.
    pub(crate) fn outcome(&self, allowed: Allowed) -> Outcome {
        let (mut lost, mut again) = (0, 0);
        for role in [Role::Victim, Role::Survivor] {
            if self.received(role) > self.begun[role as usize].load(SeqCst) {
                return Outcome::Corrupted;
            }
            for (number, times) in (0..).zip(&self.times[role as usize]) {
                let times = u64::from(times.load(SeqCst));
                lost += u64::from(times == 0 && number < self.sent(role));
                again += times.saturating_sub(1);
            }
        }
        assert!(self.late.load(SeqCst) <= allowed.late, "out of order");
        match again {
            _ if self.corrupted.load(SeqCst) > 0 => Outcome::Corrupted,
            _ if lost > allowed.lost => Outcome::Lost,
            0 => Outcome::Unnoticed,
            again if again > allowed.again => Outcome::Duplicated,
            _ => Outcome::Redelivered,
        }
    }
}

/// The message that stands for an entry.
pub(crate) fn message<M: Numbered>(entry: Entry) -> M {
    M::numbered(entry.number << 1 | entry.role as u64)
}

/// The entry that a message stands for; `None` if the message is not whole.
pub(crate) fn entry<M: Numbered>(message: &M) -> Option<Entry> {
    let number = message.number()?;
    let role = if number & 1 == 0 { Role::Victim } else { Role::Survivor };
    Some(Entry { role, number: number >> 1 })
}
