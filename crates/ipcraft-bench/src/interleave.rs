//! Slices of the implementations of one mechanism in turns, so that what disturbs one disturbs the other.
//!
//! A launch starts fresh processes for each implementation and goes through all cases. Within a case the implementations
//! take turns, first A B, then B A: a machine that gets steadily slower or faster favours neither, and the ratio of two
//! neighbouring slices is a ratio of the code.

use std::time::{Duration, Instant};

use crate::placement::{Placement, Seats};
use crate::registry::{Implementation, Mechanism};
use crate::supervise::{Failure, Pair, Spinners, Watch};
use crate::tally::Tally;
use crate::workload::{Report, Slice, Workload};

/// A slice lasts this long if there is time for enough of them; shorter, and starting it would show.
const SLICE: Duration = Duration::from_millis(5);
const SHORTEST_SLICE: Duration = Duration::from_micros(300);
/// Slices of each implementation in one launch, whatever the time.
const LEAST_ROUNDS: u32 = 2;
/// Below this a message is timed in batches, since reading the clock would be a good part of it.
const BATCHED_BELOW_NS: f64 = 1000.0;
const BATCH: u64 = 100;
/// The schedule of [`Workload::Rate`].
pub(crate) const RATE_PER_S: u64 = 1000;

/// A request to stop was heard.
pub(crate) struct Stopped;

/// One mechanism at one placement.
pub(crate) struct Group {
    pub(crate) mechanism: &'static Mechanism,
    /// `None` for floors of a single process.
    pub(crate) placement: Option<Placement>,
    pub(crate) seats: Seats,
    pub(crate) cases: Vec<Case>,
}

/// One workload at one size, and what is known of it for each implementation.
pub(crate) struct Case {
    pub(crate) workload: Workload,
    pub(crate) size: usize,
    /// In the order of the mechanism's implementations.
    pub(crate) tallies: Vec<Tally>,
    /// Time of the library's slice to that of the raw twin's beside it.
    pub(crate) ratios: Vec<f64>,
    /// Time of each implementation's slices to that of the plain lock's beside them, in the order of the implementations.
    pub(crate) ratios_to_plain: Vec<Vec<f64>>,
}

impl Case {
    pub(crate) fn new(mechanism: &Mechanism, workload: Workload, size: usize) -> Case {
        Case {
            workload,
            size,
            tallies: vec![Tally::new(); mechanism.implementations.len()],
            ratios: Vec::new(),
            ratios_to_plain: vec![Vec::new(); mechanism.implementations.len()],
        }
    }
}

impl Group {
    /// How much of the time this group should get, relative to others.
    pub(crate) fn weight(&self) -> f64 {
        (self.cases.len() * self.mechanism.implementations.len()) as f64
    }

    /// One launch of every case; true when all processes were bound to their cores.
    pub(crate) fn launch(&mut self, until: Instant, watch: Watch<'_>) -> Result<bool, Stopped> {
        let _spinners = match self.spinners() {
            Ok(spinners) => spinners,
            Err(failure) => {
                self.give_up(&failure);
                return Ok(true);
            }
        };
        let mut crew = Crew::new(self.mechanism, self.seats, watch);
        let mut left = self.cases.len() as u32;
        for case in &mut self.cases {
            let now = Instant::now();
            let share = until.saturating_duration_since(now) / left;
            case.measure(&mut crew, now + share)?;
            left -= 1;
        }
        Ok(crew.pinned)
    }

    /// What keeps the cores awake, where that belongs to the mechanism.
    pub(crate) fn spinners(&self) -> Result<Option<Spinners>, Failure> {
        if !self.mechanism.awake {
            return Ok(None);
        }
        Ok(Some(Spinners::start(self.seats)?))
    }

    fn give_up(&mut self, failure: &Failure) {
        for tally in self.cases.iter_mut().flat_map(|case| &mut case.tallies) {
            tally.error.get_or_insert_with(|| failure.to_string());
        }
    }
}

/// The processes of one launch, a pair for each implementation, started when first needed.
struct Crew<'a> {
    mechanism: &'static Mechanism,
    seats: Seats,
    watch: Watch<'a>,
    pairs: Vec<Option<Pair>>,
    pinned: bool,
}

impl<'a> Crew<'a> {
    fn new(mechanism: &'static Mechanism, seats: Seats, watch: Watch<'a>) -> Crew<'a> {
        Crew {
            mechanism,
            seats,
            watch,
            pairs: mechanism.implementations.iter().map(|_| None).collect(),
            pinned: true,
        }
    }

    fn pair(&mut self, who: usize) -> Result<&mut Pair, Failure> {
        let slot = &mut self.pairs[who];
        if slot.is_none() {
            let (_, connect) = self.mechanism.implementations[who];
            let pair = Pair::launch(connect, self.seats, self.watch)?;
            self.pinned &= pair.pinned();
            *slot = Some(pair);
        }
        slot.as_mut().ok_or(Failure::Stopped)
    }

    /// A pair that failed is in an unknown state, so the next case gets a fresh one.
    fn run(&mut self, who: usize, slice: &Slice) -> Result<Report, Failure> {
        let watch = self.watch;
        let report = self.pair(who)?.run(slice, watch);
        if report.is_err() {
            self.pairs[who] = None;
        }
        report
    }
}

impl Case {
    fn measure(&mut self, crew: &mut Crew<'_>, until: Instant) -> Result<(), Stopped> {
        self.begin(crew)?;
        let Some(mut slice) = self.calibrate(crew, until)? else {
            return Ok(());
        };
        let mut rounds = 0;
        loop {
            let start = Instant::now();
            self.round(crew, &slice, rounds % 2 == 1)?;
            rounds += 1;
            let took = start.elapsed();
            let no_time_for_another = Instant::now() + took > until;
            if self.failed() || (rounds >= LEAST_ROUNDS && no_time_for_another) {
                return Ok(());
            }
            slice = shortened(slice, took / self.tallies.len() as u32);
        }
    }

    fn failed(&self) -> bool {
        self.tallies.iter().all(|tally| tally.error.is_some())
    }

    fn begin(&mut self, crew: &mut Crew<'_>) -> Result<(), Stopped> {
        for who in 0..self.tallies.len() {
            let cost = crew.pair(who).map(|pair| (pair.setup(), pair.memory()));
            if let Some((setup, memory)) = self.sort_out(who, cost)? {
                self.tallies[who].begin_launch(setup.as_secs_f64() * 1e6);
                self.tallies[who].memory_bytes = memory;
            }
        }
        Ok(())
    }

    /// Finds out how many messages fill a slice. All implementations get the same number.
    fn calibrate(&mut self, crew: &mut Crew<'_>, until: Instant) -> Result<Option<Slice>, Stopped> {
        let window = crew.mechanism.window(self.size);
        let target = slice_time(until.saturating_duration_since(Instant::now()), self.tallies.len());
        if self.workload.is_scheduled() {
            return Ok(Some(on_schedule(self.workload, self.size, window, target)));
        }
        let mut slice = Slice { warm_up: 4, window, ..Slice::new(self.workload, self.size, 8) };
        for target in [target / 5, target] {
            let Some(time) = self.slowest(crew, &slice)? else {
                return Ok(None);
            };
            slice = sized(&slice, time, target);
        }
        Ok(Some(slice))
    }

    /// Nanoseconds per message of the slowest implementation; none when all have failed.
    fn slowest(&mut self, crew: &mut Crew<'_>, slice: &Slice) -> Result<Option<f64>, Stopped> {
        let mut slowest = None;
        for who in 0..self.tallies.len() {
            if let Some(report) = self.turn(crew, who, slice)? {
                let time = report.elapsed_ns as f64 / slice.messages as f64;
                slowest = Some(time.max(slowest.unwrap_or(1.0)));
            }
        }
        Ok(slowest)
    }

    /// One slice of each implementation.
    fn round(&mut self, crew: &mut Crew<'_>, slice: &Slice, reversed: bool) -> Result<(), Stopped> {
        let count = self.tallies.len();
        let mut times = vec![None; count];
        for turn in 0..count {
            let who = if reversed { count - 1 - turn } else { turn };
            if let Some(report) = self.turn(crew, who, slice)? {
                times[who] = Some(self.tallies[who].record(&report, report.messages(slice), slice.batch));
            }
        }
        self.compare(crew.mechanism, &times);
        Ok(())
    }

    fn compare(&mut self, mechanism: &Mechanism, times: &[Option<f64>]) {
        let ours = time_of(mechanism, Implementation::Ipcraft, times);
        self.ratios.extend(ratio(ours, time_of(mechanism, Implementation::Raw, times)));
        let plain = time_of(mechanism, Implementation::Plain, times);
        for (ratios, time) in self.ratios_to_plain.iter_mut().zip(times) {
            ratios.extend(ratio(*time, plain));
        }
    }

    /// One slice of one implementation, unless that has failed before.
    fn turn(&mut self, crew: &mut Crew<'_>, who: usize, slice: &Slice) -> Result<Option<Report>, Stopped> {
        if self.tallies[who].error.is_some() {
            return Ok(None);
        }
        let report = crew.run(who, slice);
        self.sort_out(who, report)
    }

    /// A failure stays with its row; only a request to stop ends everything.
    fn sort_out<T>(&mut self, who: usize, result: Result<T, Failure>) -> Result<Option<T>, Stopped> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(what)) => {
                self.tallies[who].error = Some(what);
                Ok(None)
            }
        }
    }
}

/// The time of one implementation, among those of all.
fn time_of(mechanism: &Mechanism, implementation: Implementation, times: &[Option<f64>]) -> Option<f64> {
    let who = mechanism.implementations.iter().position(|(who, _)| *who == implementation)?;
    times[who]
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}

/// As long as slices should be, or shorter when the time would not hold the least number of rounds and the calibration.
fn slice_time(left: Duration, implementations: usize) -> Duration {
    let slices = (LEAST_ROUNDS + 2) * implementations as u32;
    (left / slices).clamp(SHORTEST_SLICE, SLICE)
}

/// A slice that takes about `target` when a message takes `time` nanoseconds.
fn sized(slice: &Slice, time: f64, target: Duration) -> Slice {
    const MOST: f64 = 4e6;
    let fitting = (target.as_nanos() as f64 / time).clamp(8.0, MOST) as u64;
    let batched = slice.workload != Workload::Stream && time < BATCHED_BELOW_NS;
    let batch = if batched { BATCH } else { 1 };
    let messages = fitting.next_multiple_of(batch);
    Slice {
        messages,
        batch,
        singles: if batched { messages.min(1000) } else { 0 },
        warm_up: warm_up(slice.workload, messages),
        ..slice.clone()
    }
}

/// The same slice, or a shorter one when it took many times as long as a slice should: on a loaded machine, mechanisms that
/// spin or yield can get slower by a factor of a thousand from one moment to the next.
fn shortened(slice: Slice, took: Duration) -> Slice {
    if slice.workload.is_scheduled() || took < 8 * SLICE {
        return slice;
    }
    sized(&slice, took.as_nanos() as f64 / slice.messages as f64, SLICE)
}

/// A stream has to be in full flow, with every buffer as full as it will be; the others only have to be warm.
fn warm_up(workload: Workload, messages: u64) -> u64 {
    match workload {
        Workload::Stream => (messages / 4).max(4),
        _ => (messages / 10).clamp(4, 100),
    }
}

/// A slice on a schedule lasts longer: it is mostly waiting, or has to be long enough for both to have their turns.
fn on_schedule(workload: Workload, size: usize, window: Option<u64>, target: Duration) -> Slice {
    let interval = Duration::from_secs(1) / RATE_PER_S as u32;
    let messages = (4 * target.as_nanos() / interval.as_nanos()).max(5) as u64;
    Slice { window, interval_ns: interval.as_nanos() as u64, ..Slice::new(workload, size, messages) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn slices_get_shorter_when_there_is_less_time_but_not_too_short() {
        assert_eq!(slice_time(Duration::from_secs(1), 2), SLICE);
        assert_eq!(slice_time(Duration::from_millis(16), 2), Duration::from_millis(2));
        assert_eq!(slice_time(Duration::ZERO, 2), SHORTEST_SLICE);
    }

    #[test]
    fn messages_below_a_microsecond_are_timed_in_batches() {
        let slice = Slice::new(Workload::RoundTrip, 64, 8);
        let fast = sized(&slice, 100.0, SLICE);
        assert_eq!((fast.messages, fast.batch, fast.singles), (50_000, 100, 1000));
        let slow = sized(&slice, 10_000.0, SLICE);
        assert_eq!((slow.messages, slow.batch, slow.singles), (500, 1, 0));
    }

    #[test]
    fn a_stream_runs_in_and_out() {
        let slice = sized(&Slice::new(Workload::Stream, 64, 8), 1000.0, SLICE);
        assert_eq!((slice.messages, slice.warm_up), (5000, 1250));
    }

    #[test]
    fn a_slice_that_took_far_too_long_is_shortened() {
        let slice = Slice::new(Workload::RoundTrip, 64, 500);
        assert_eq!(shortened(slice.clone(), 2 * SLICE).messages, 500);
        assert_eq!(shortened(slice.clone(), 10 * SLICE).messages, 50);
        assert_eq!(shortened(slice, 10_000 * SLICE).messages, 8);
    }

    #[test]
    fn a_ratio_needs_both() {
        let compare = |mechanism: &Mechanism, times: &[Option<f64>]| {
            let mut case = Case::new(mechanism, Workload::RoundTrip, 64);
            case.compare(mechanism, times);
            (case.ratios, case.ratios_to_plain)
        };
        let udp = registry::find("udp").unwrap();
        assert_eq!(compare(udp, &[Some(3.0), Some(2.0)]).0, [1.5]);
        assert!(compare(udp, &[Some(3.0), None]).0.is_empty());
        assert!(compare(registry::floors()[0], &[Some(3.0)]).0.is_empty());
        let mutex = registry::find("sync_mutex").unwrap();
        let (to_raw, to_plain) = compare(mutex, &[Some(3.0), Some(2.0), Some(1.0)]);
        assert_eq!((to_raw, to_plain), (vec![1.5], vec![vec![3.0], vec![2.0], vec![1.0]]));
    }
}
