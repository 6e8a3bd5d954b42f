//! The memory that the dispatcher and its jobs share.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use ipcraft::shm::Mapping;
use ipcraft::shm::memfd::Memfd;

/// The words of one job before its gaps.
const HEADER: usize = 32;
/// The gaps that one job can record. A busy machine causes some hundred in a second.
const MAX_GAPS: usize = 4_000;
const WORDS_PER_JOB: usize = HEADER + 2 * MAX_GAPS;
const WORD: usize = size_of::<u64>();

/// The words of all jobs.
#[derive(Debug)]
pub(crate) struct Board(Mapping);

impl Board {
    pub(crate) fn new(jobs: usize) -> Result<Board, ipcraft::Error> {
        Ok(Board(Memfd::create("ipcraft-jobs", jobs * WORDS_PER_JOB * WORD)?.map()?))
    }

    /// Returns the words of one job.
    pub(crate) fn desk(&self, job: usize) -> Desk<'_> {
        Desk { mapping: &self.0, first: job * WORDS_PER_JOB }
    }
}

/// What a job does, as it reports itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It computes, or has not begun.
    Computing = 0,
    /// It has reached its limit, and stops itself.
    Limit = 1,
    /// It has asked for I/O, and blocks.
    Blocked = 2,
    /// It has done its work, and exits.
    Ended = 3,
}

/// The words of one job. Times are nanoseconds; CPU times count from the begin of its work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    mapping: &'a Mapping,
    first: usize,
}

/// A word of a job with one writer at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    State = 0,
    /// The CPU time at which it stops itself.
    Limit = 1,
    /// If less than this is left at the limit, it goes on to the end of its burst.
    Grace = 2,
    /// The CPU time at which it last reported, exact to the burst or limit.
    Reached = 3,
    /// Its CPU clock at the begin of its work.
    Base = 4,
    /// The CPU time at which its burst ends.
    BurstEnd = 5,
    /// The length of the I/O that it asks for, in ticks.
    Io = 6,
    /// 1 while the dispatcher lets it run.
    MayRun = 7,
    /// 1 when the device has answered.
    Answered = 8,
    /// How much it has computed: the links of its hash chain.
    Iterations = 9,
    /// The end of its hash chain.
    Hash = 10,
    /// The monotonic clock at the begin of its work.
    Begin = 11,
    /// The monotonic clock when it last read the clock.
    Last = 12,
    /// The gaps that it has recorded.
    Gaps = 13,
    /// The gaps for which there was no room.
    LostGaps = 14,
    /// How often it has reported. The dispatcher handles each report once.
    Reports = 15,
    /// The CPU time at its last report.
    Used = 16,
    /// The monotonic clock at which it begins without a dispatcher.
    Start = 17,
}

impl<'a> Desk<'a> {
    pub(crate) fn get(self, word: Word) -> u64 {
        self.word(word as usize).load(Acquire)
    }

    pub(crate) fn set(self, word: Word, value: u64) {
        self.word(word as usize).store(value, Release);
    }

    pub(crate) fn state(self) -> State {
        match self.get(Word::State) {
            1 => State::Limit,
            2 => State::Blocked,
            3 => State::Ended,
            _ => State::Computing,
        }
    }

    /// Publishes a new state.
    pub(crate) fn report(self, state: State) {
        self.set(Word::State, state as u64);
        self.set(Word::Reports, self.get(Word::Reports) + 1);
    }

    /// Appends a gap: its begin, and its length with its kind. Counts it if there is no room.
    pub(crate) fn push_gap(self, gap: [u64; 2]) {
        let count = self.get(Word::Gaps) as usize;
        if count == MAX_GAPS {
            self.set(Word::LostGaps, self.get(Word::LostGaps) + 1);
            return;
        }
        for (offset, value) in gap.into_iter().enumerate() {
            self.word(HEADER + 2 * count + offset).store(value, Release);
        }
        self.set(Word::Gaps, count as u64 + 1);
    }

    pub(crate) fn gaps(self) -> Vec<[u64; 2]> {
        let count = (self.get(Word::Gaps) as usize).min(MAX_GAPS);
        let value = |position| self.word(HEADER + position).load(Acquire);
        (0..count).map(|gap| [value(2 * gap), value(2 * gap + 1)]).collect()
    }

    fn word(self, position: usize) -> &'a AtomicU64 {
        self.mapping.atomic_u64((self.first + position) * WORD).expect("the memory has words for each job")
    }
}
