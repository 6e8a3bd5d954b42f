//! Who said what, and who has heard it: written down apart from the channel, where death changes nothing.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use ipcraft::shm::Shared;
use ipcraft::shm::memfd::Memfd;
use ipcraft_tests::sweep::Outcome;

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
        /// How many were received, or should have been before one that was.
        heard: [AtomicU64; 2],
        /// Messages that nobody sent.
        torn: AtomicU64,
        /// Messages that did not come before a later one.
        skipped: AtomicU64,
        /// Messages that came again.
        doubled: AtomicU64,
    }
}

/// What a receiver may make of the messages that it had in its hands when it was killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// So many are gone with it.
    pub(crate) lost: u64,
    /// So many come again.
    pub(crate) again: u64,
}

impl Ledger {
    /// One that a forked child has too.
    pub(crate) fn new() -> Shared<Ledger> {
        let memory = Memfd::create("ledger", Shared::<Ledger>::SIZE).unwrap();
        Shared::initialise(memory.map().unwrap(), |_| ()).unwrap()
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
        let Some(Note { who, number }) = note else {
            self.torn.fetch_add(1, SeqCst);
            return;
        };
        let heard = &self.heard[who as usize];
        let next = heard.load(SeqCst);
        if number < next {
            self.doubled.fetch_add(1, SeqCst);
        } else {
            heard.store(number + 1, SeqCst);
            self.skipped.fetch_add(number - next, SeqCst);
        }
    }

    /// How many of his were received.
    pub(crate) fn heard(&self, who: Who) -> u64 {
        self.heard[who as usize].load(SeqCst)
    }

    /// What it comes to when everything was received that there is.
    pub(crate) fn outcome(&self, allowed: Allowed) -> Outcome {
        let mut missing = self.skipped.load(SeqCst);
        for who in [Who::Victim, Who::Survivor] {
            let number = who as usize;
            let [begun, sent, heard] =
                [&self.begun, &self.sent, &self.heard].map(|of| of[number].load(SeqCst));
            if heard > begun {
                return Outcome::Torn;
            }
            missing += sent.saturating_sub(heard);
        }
        match self.doubled.load(SeqCst) {
            _ if self.torn.load(SeqCst) > 0 => Outcome::Torn,
            _ if missing > allowed.lost => Outcome::Lost,
            0 => Outcome::Unnoticed,
            again if again > allowed.again => Outcome::Doubled,
            _ => Outcome::ToldAgain,
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
