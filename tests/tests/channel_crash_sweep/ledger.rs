//! Who said what, and who has heard it: written down apart from the channel, where death changes nothing.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::SeqCst};

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::crash_sweep::Outcome;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The process that is killed.
    Victim,
    /// Those who are left, one at a time.
    Survivor,
}

/// One message: whose, and which of his.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) who: Who,
    pub(crate) number: u64,
}

ipcraft::shared_struct! {
    pub(crate) struct Ledger {
        /// How many messages each began to send.
        begun: [AtomicU64; 2],
        /// How many he was told are sent.
        sent: [AtomicU64; 2],
        /// One more than the last that was received.
        heard: [AtomicU64; 2],
        /// How often each was received.
        times: [[AtomicU8; MOST]; 2],
        /// Messages that nobody sent.
        torn: AtomicU64,
        /// Messages that came after a later one, for the first time.
        late: AtomicU64,
    }
}

/// How many messages each can send.
const MOST: usize = 256;

/// What a receiver may make of the messages that it had in its hands when it was killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// So many are gone with it.
    pub(crate) lost: u64,
    /// So many come again.
    pub(crate) again: u64,
    /// So many come after others that were sent after them.
    pub(crate) late: u64,
}

impl Ledger {
    /// One that a forked child has too.
    pub(crate) fn new() -> Shared<Ledger> {
        let memory = Memfd::create("ledger", Shared::<Ledger>::SIZE).unwrap();
        Shared::initialize(memory.map().unwrap(), |_| Ok(())).unwrap()
    }

    /// The next message of his, which he is about to send.
    pub(crate) fn begin(&self, who: Who) -> Note {
        Note { who, number: self.begun[who as usize].fetch_add(1, SeqCst) }
    }

    /// The next messages of his.
    pub(crate) fn begin_all<const N: usize>(&self, who: Who) -> [Note; N] {
        std::array::from_fn(|_| self.begin(who))
    }

    /// He was told that so many more are sent.
    pub(crate) fn sent(&self, who: Who, count: u64) {
        self.sent[who as usize].fetch_add(count, SeqCst);
    }

    /// He was told that the message is not sent.
    pub(crate) fn take_back(&self, note: Note) {
        let begun = self.begun[note.who as usize].fetch_sub(1, SeqCst);
        assert_eq!(begun, note.number + 1, "the last one");
    }

    /// A message was received; `None` is one that nobody sent.
    pub(crate) fn hear(&self, note: Option<Note>) {
        let Some(Note { who, number }) = note.filter(|note| note.number < MOST as u64) else {
            self.torn.fetch_add(1, SeqCst);
            return;
        };
        let seen = self.times[who as usize][number as usize].fetch_add(1, SeqCst) > 0;
        if number < self.heard(who) {
            self.late.fetch_add(u64::from(!seen), SeqCst);
        } else {
            self.heard[who as usize].store(number + 1, SeqCst);
        }
    }

    /// What was sent so far is of no interest, whether it was received or not.
    pub(crate) fn forget(&self) {
        for (sent, times) in self.sent.iter().zip(&self.times) {
            for times in &times[..sent.load(SeqCst) as usize] {
                times.store(1, SeqCst);
            }
        }
    }

    /// One more than the last of his that was received.
    pub(crate) fn heard(&self, who: Who) -> u64 {
        self.heard[who as usize].load(SeqCst)
    }

    /// How many of his he was told are sent.
    pub(crate) fn told(&self, who: Who) -> u64 {
        self.sent[who as usize].load(SeqCst)
    }

    /// What it comes to when everything was received that there is.
    pub(crate) fn outcome(&self, allowed: Allowed) -> Outcome {
        let (mut lost, mut again) = (0, 0);
        for who in [Who::Victim, Who::Survivor] {
            if self.heard(who) > self.begun[who as usize].load(SeqCst) {
                return Outcome::Corrupted;
            }
            for (number, times) in (0..).zip(&self.times[who as usize]) {
                let times = u64::from(times.load(SeqCst));
                lost += u64::from(times == 0 && number < self.told(who));
                again += times.saturating_sub(1);
            }
        }
        assert!(self.late.load(SeqCst) <= allowed.late, "out of order");
        match again {
            _ if self.torn.load(SeqCst) > 0 => Outcome::Corrupted,
            _ if lost > allowed.lost => Outcome::Lost,
            0 => Outcome::Unnoticed,
            again if again > allowed.again => Outcome::Duplicated,
            _ => Outcome::Redelivered,
        }
    }
}

/// The message as so many words, each of which says which message it is, and which word of it.
pub(crate) fn words<const N: usize>(note: Note) -> [u64; N] {
    std::array::from_fn(|i| word(note, i as u64))
}

/// The message that these words are; `None` if one of them is not of it.
pub(crate) fn note(words: &[u64]) -> Option<Note> {
    let id = words.first()? & u64::from(u32::MAX);
    let who = if id & 1 == 0 { Who::Victim } else { Who::Survivor };
    let note = Note { who, number: id >> 1 };
    words.iter().zip(0..).all(|(&found, i)| found == word(note, i)).then_some(note)
}

fn word(note: Note, index: u64) -> u64 {
    // No word is zero, as new memory is.
    (index + 1) << u32::BITS | note.number << 1 | note.who as u64
}
