//! When each job ran, recorded by the jobs themselves, without any right.
//!
//! A job reads the clock after each microsecond of work. A gap between two readings is time in
//! which it did not run. If the kernel counts a switch of the thread meanwhile (getrusage(2)), the
//! job was switched out. Otherwise an interrupt or the host took the core.

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::dispatch::board::{Board, Desk, Word};
use crate::sys::cpu_clock::CpuClock;

/// The shortest time between two readings that counts as a gap. The work between them takes about
/// 1 us, an interrupt some more.
const MIN_GAP_NS: u64 = 15_000;

/// Why a job did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Another process ran, or none.
    Switched = 0,
    /// An interrupt, which the kernel counts as CPU time of the job.
    Interrupt = 1,
    /// The host took the core, and the kernel knows it.
    Host = 2,
    /// It was blocked in I/O, and then perhaps waited for the core.
    Blocked = 3,
}

/// A stretch of time on the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The start.
    pub from: u64,
    /// The end.
    pub to: u64,
}

/// When one job ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// When it ran.
    pub runs: Vec<Span>,
    /// When it was current and did not run, and whether that counts as its CPU time.
    pub stolen: Vec<(Span, GapKind)>,
    /// From the request of each I/O to the next work.
    pub blocked: Vec<Span>,
    /// The gaps for which there was no room.
    pub lost: u64,
    /// The CPU time of its work by the kernel's clock.
    pub cpu_ns: u64,
}

/// How the records of all jobs agree with the CPU clocks and with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RecordCheck {
    /// The largest difference between recorded and clocked CPU time of a job, as a fraction.
    pub worst_deviation: f64,
    /// How many runs of different jobs overlap. On one core none do.
    pub overlaps: usize,
}

/// The monotonic clock in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has this clock");
    time.tv_sec().unsigned_abs() * 1_000_000_000 + time.tv_nsec().unsigned_abs()
}

/// The recorder in a job.
#[derive(Debug)]
pub(crate) struct Recorder<'a> {
    desk: Desk<'a>,
    last: u64,
    switches: u64,
    /// Time that neither is recorded as a switch nor counts as CPU time.
    uncounted: u64,
    begin: u64,
    switched: u64,
}

impl<'a> Recorder<'a> {
    pub(crate) fn start(desk: Desk<'a>) -> Recorder<'a> {
        let begin = monotonic_ns();
        desk.set(Word::Begin, begin);
        desk.set(Word::Last, begin);
        Recorder { desk, last: begin, switches: switches(), uncounted: 0, begin, switched: 0 }
    }

    /// Reads the clock. Returns the time, and whether there was a gap.
    pub(crate) fn read_clock(&mut self) -> (u64, bool) {
        let now = monotonic_ns();
        let is_gap = now - self.last >= MIN_GAP_NS;
        if is_gap {
            self.record(now);
        }
        self.last = now;
        self.desk.set(Word::Last, now);
        (now, is_gap)
    }

    /// Records the time since the last reading as that of an I/O.
    pub(crate) fn end_io(&mut self) {
        let now = monotonic_ns();
        let length = now - self.last;
        self.switched += length;
        self.switches = switches();
        self.push(length, GapKind::Blocked);
        self.last = now;
        self.desk.set(Word::Last, now);
    }

    fn record(&mut self, now: u64) {
        let length = now - self.last;
        let switches = switches();
        let kind = if switches != self.switches {
            self.switched += length;
            GapKind::Switched
        } else {
            self.kind_of_stolen(now, length)
        };
        self.switches = switches;
        self.push(length, kind);
    }

    fn push(&self, length: u64, kind: GapKind) {
        self.desk.push_gap([self.last, length << 2 | kind as u64]);
    }

    fn kind_of_stolen(&mut self, now: u64, length: u64) -> GapKind {
        let base = self.desk.get(Word::Base);
        let cpu = CpuClock::OWN.ns().unwrap_or(base) - base;
        let uncounted = (now - self.begin - self.switched).saturating_sub(cpu);
        let grown = uncounted.saturating_sub(self.uncounted);
        self.uncounted = uncounted;
        if grown > length / 2 { GapKind::Host } else { GapKind::Interrupt }
    }
}

fn switches() -> u64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| {
        (usage.voluntary_context_switches() + usage.involuntary_context_switches()).unsigned_abs()
    })
}

/// Returns the record of a job, whose work took `cpu_ns`.
pub(crate) fn read(board: &Board, job: usize, cpu_ns: u64) -> Record {
    let desk = board.desk(job);
    let mut record = Record { lost: desk.get(Word::LostGaps), cpu_ns, ..Record::default() };
    let mut from = desk.get(Word::Begin);
    for [begin, packed] in desk.gaps() {
        let gap = Span { from: begin, to: begin + (packed >> 2) };
        record.runs.push(Span { from, to: gap.from });
        match packed & 3 {
            1 => record.stolen.push((gap, GapKind::Interrupt)),
            2 => record.stolen.push((gap, GapKind::Host)),
            3 => record.blocked.push(gap),
            _ => {}
        }
        from = gap.to;
    }
    record.runs.push(Span { from, to: desk.get(Word::Last) });
    record.runs.retain(|run| run.from < run.to);
    record
}

impl Record {
    /// Returns what the kernel counts as CPU time of this record.
    fn counted_ns(&self) -> u64 {
        let interrupts = self.stolen.iter().filter(|(_, kind)| *kind == GapKind::Interrupt);
        let length = |span: &Span| span.to - span.from;
        self.runs.iter().map(length).sum::<u64>() + interrupts.map(|(span, _)| length(span)).sum::<u64>()
    }

    fn deviation(&self) -> f64 {
        if self.cpu_ns == 0 { 0.0 } else { (self.counted_ns() as f64 / self.cpu_ns as f64 - 1.0).abs() }
    }
}

/// Compares records with the CPU clocks and with each other.
pub fn check(records: &[Record]) -> RecordCheck {
    let mut runs: Vec<(Span, usize)> = Vec::new();
    for (job, record) in records.iter().enumerate() {
        runs.extend(record.runs.iter().map(|&run| (run, job)));
    }
    runs.sort_by_key(|(run, _)| run.from);
    let overlap = |pair: &&[(Span, usize)]| pair[0].1 != pair[1].1 && pair[0].0.to > pair[1].0.from;
    RecordCheck {
        worst_deviation: records.iter().map(Record::deviation).fold(0.0, f64::max),
        overlaps: runs.windows(2).filter(overlap).count(),
    }
}
