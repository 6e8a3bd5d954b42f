//! The words that two processes share, by name.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ipcraft_step::Shared;
use serde::{Deserialize, Serialize};

/// Where the variables of an algorithm lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// All in one cache line.
    OneLine,
    /// Each in its own pair of cache lines.
    OwnLines,
}

impl Layout {
    /// Both layouts.
    pub const ALL: [Layout; 2] = [Layout::OneLine, Layout::OwnLines];

    fn stride(self) -> usize {
        match self {
            Layout::OneLine => 1,
            Layout::OwnLines => 16,
        }
    }
}

/// Where a process is in its cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has not begun.
    Starting,
    /// It does not need the critical section.
    Outside,
    /// It has announced itself, or is about to, and waits.
    Waiting,
    /// It is in the critical section.
    Inside,
    /// It has left the critical section, and announces that.
    Leaving,
}

impl Phase {
    pub(crate) fn of(word: u64) -> Phase {
        match word {
            0 => Phase::Starting,
            1 => Phase::Outside,
            2 => Phase::Waiting,
            3 => Phase::Inside,
            _ => Phase::Leaving,
        }
    }
}

/// The variables of the algorithms, in shared memory. All begin as zero.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'a> {
    words: &'a [AtomicU64; Shared::LEN],
    stride: usize,
}

/// The slots, each of which holds one variable.
const FLAGS: usize = 0;
const TURN: usize = 2;
const LOCK: usize = 3;
const COUNTER: usize = 4;
const OWNER: usize = 5;
const PHASES: usize = 6;
const TICKETS: usize = 8;
/// The slots that belong to a state of the algorithm.
const SLOTS: usize = 10;
/// Slots that only measurements use.
const ENTRIES: usize = 10;
const STOP: usize = 12;

/// The names of the slots, in order.
const NAMES: [&str; SLOTS] = [
    "flag[A]",
    "flag[B]",
    "turn",
    "lock",
    "counter",
    "owner",
    "phase[A]",
    "phase[B]",
    "ticket[A]",
    "ticket[B]",
];

impl<'a> Variables<'a> {
    /// Gives names to shared words.
    pub fn new(shared: &'a Shared, layout: Layout) -> Variables<'a> {
        Variables { words: shared.words(), stride: layout.stride() }
    }

    /// The number of words that belong to a state.
    pub(crate) fn len(self) -> usize {
        SLOTS * self.stride
    }

    #[inline(always)]
    fn slot(self, slot: usize) -> &'a AtomicU64 {
        // The remainder spares a check of bounds, whose instructions would all be stepped.
        &self.words[slot * self.stride % Shared::LEN]
    }

    /// Set while a process needs the critical section.
    #[inline(always)]
    pub(crate) fn flag(self, me: usize) -> &'a AtomicU64 {
        self.slot(FLAGS + me)
    }

    #[inline(always)]
    pub(crate) fn turn(self) -> &'a AtomicU64 {
        self.slot(TURN)
    }

    #[inline(always)]
    pub(crate) fn lock(self) -> &'a AtomicU64 {
        self.slot(LOCK)
    }

    /// The number that a process has drawn, or 0.
    #[inline(always)]
    pub(crate) fn ticket(self, me: usize) -> &'a AtomicU64 {
        self.slot(TICKETS + me)
    }

    /// What the critical section protects.
    #[inline(always)]
    pub(crate) fn counter(self) -> &'a AtomicU64 {
        self.slot(COUNTER)
    }

    /// The process that entered last.
    #[inline(always)]
    pub(crate) fn owner(self) -> &'a AtomicU64 {
        self.slot(OWNER)
    }

    #[inline(always)]
    pub(crate) fn phase(self, me: usize) -> &'a AtomicU64 {
        self.slot(PHASES + me)
    }

    #[inline(always)]
    pub(crate) fn enter_phase(self, me: usize, phase: Phase) {
        self.phase(me).store(phase as u64, Relaxed);
    }

    /// How often a process has entered.
    #[inline(always)]
    pub(crate) fn entries(self, me: usize) -> &'a AtomicU64 {
        self.slot(ENTRIES + me)
    }

    /// Set when the processes are to end.
    #[inline(always)]
    pub(crate) fn stop(self) -> &'a AtomicU64 {
        self.slot(STOP)
    }

    /// Returns the phase of a process in a state.
    pub(crate) fn phase_in(self, words: &[u64], me: usize) -> Phase {
        Phase::of(words[(PHASES + me) * self.stride])
    }

    /// Returns the highest ticket in a state.
    pub(crate) fn highest_ticket_in(self, words: &[u64]) -> u64 {
        [0, 1].map(|me| words[(TICKETS + me) * self.stride]).into_iter().max().unwrap_or(0)
    }

    /// Returns the counter in a state.
    pub(crate) fn counter_in(self, words: &[u64]) -> u64 {
        words[COUNTER * self.stride]
    }

    /// Returns the variables that differ between two states: name, former value, new value.
    pub(crate) fn changes(self, before: &[u64], after: &[u64]) -> Vec<(&'static str, u64, u64)> {
        let value = |words: &[u64], slot: usize| words[slot * self.stride];
        let changed = |&(slot, _): &(usize, &&str)| value(before, slot) != value(after, slot);
        let change = |(slot, name): (usize, &&'static str)| (*name, value(before, slot), value(after, slot));
        NAMES.iter().enumerate().filter(changed).map(change).collect()
    }
}
