//! One scenario: the slices of all competitors alternate, so that noise meets all of them alike.
//!
//! A launch starts fresh processes for every competitor. All are blocked while one of them works.
//! They take turns, first in order, then in reverse: a machine that becomes steadily slower or
//! faster favours none of them. Ratios are those of slices in the same round.

use std::time::Duration;

use ipcraft_bench::{CancelToken, CpuPair, Distance, Failure, HandOver, LaunchTimes, Placement, Probe};

use crate::competitor::{Competitor, Scenario};
use crate::launch::Launch;
use crate::samples::Samples;
use crate::watch::WATCHED;
use crate::work::{Report, Slice, Task};

/// A round trip that takes less is timed in batches: otherwise much of a sample is the clock
/// reading.
const BATCHED_BELOW_NS: f64 = 1000.0;
/// Round trips in a batch.
const BATCH: u64 = 100;
/// The time of a sample in a stream of small messages: long enough to fill and drain the ring, and
/// much shorter than a time slice of the scheduler.
const BLOCK_NS: f64 = 30_000.0;
/// Messages in the smallest block. A block consists of whole batches, which have 64 messages.
const MIN_BLOCK: u64 = 64;
/// Messages in the largest block.
const MAX_BLOCK: u64 = 1 << 16;
/// From this size in bytes on, each message of a stream is a sample.
const LARGE: usize = 4096;
/// Messages in the longest slice.
const MAX_MESSAGES: f64 = 40e6;

/// The run was cancelled.
#[derive(Debug)]
pub(crate) struct Stopped;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preset {
    /// Fresh starts of all processes.
    pub(crate) launches: u32,
    /// Slices of each competitor in a launch.
    pub(crate) rounds: u32,
    /// The time of a slice.
    pub(crate) slice: Duration,
    /// How often the peer of each competitor is killed in a launch.
    pub(crate) deaths: u32,
}

/// One scenario and what has been measured of it.
pub(crate) struct Comparison {
    pub(crate) scenario: &'static Scenario,
    pub(crate) cpus: CpuPair,
    pub(crate) entries: Vec<Entry>,
    /// The hand-overs of a cache line that were measured beside the launches.
    pub(crate) hand_overs: Vec<HandOver>,
    /// The number of launches so far.
    launches: usize,
    /// The number of the next message: no two slices share numbers.
    next: u64,
}

/// One competitor and what has been measured of it.
pub(crate) struct Entry {
    pub(crate) competitor: &'static Competitor,
    /// One item for each distance of the cores.
    pub(crate) measured: Vec<Measured>,
    /// The item of the current launch.
    current: usize,
    /// Whether a blocked call did not return after its peer was killed.
    pub(crate) timed_out: bool,
    /// Why its measurement ended.
    pub(crate) error: Option<String>,
}

/// What has been measured of one competitor in launches of the same distance.
pub(crate) struct Measured {
    pub(crate) distance: Option<Distance>,
    pub(crate) samples: Samples,
    /// Time of its slices relative to those of the first competitor in the same round.
    pub(crate) ratios: LaunchTimes,
}

impl Measured {
    pub(crate) fn nothing(distance: Option<Distance>) -> Measured {
        Measured { distance, samples: Samples::new(), ratios: LaunchTimes::default() }
    }
}

impl Entry {
    fn new(competitor: &'static Competitor) -> Entry {
        Entry { competitor, measured: Vec::new(), current: 0, timed_out: false, error: None }
    }

    /// Starts a launch; later slices belong to it.
    fn begin_launch(&mut self, launch: usize, hand_over_ns: Option<f64>) {
        let distance = hand_over_ns.map(Distance::of_hand_over);
        let known = self.measured.iter().position(|one| one.distance == distance);
        self.current = known.unwrap_or(self.measured.len());
        if known.is_none() {
            self.measured.push(Measured::nothing(distance));
        }
        let Measured { samples, ratios, .. } = &mut self.measured[self.current];
        samples.begin_launch(launch, hand_over_ns);
        ratios.begin_launch();
    }

    /// Returns what belongs to the current launch.
    fn current(&mut self) -> &mut Measured {
        &mut self.measured[self.current]
    }
}

/// A competitor's processes and its slice.
struct Running {
    entry: usize,
    launch: Launch,
    slice: Slice,
}

impl Comparison {
    pub(crate) fn new(
        scenario: &'static Scenario,
        cpus: CpuPair,
        selected: impl Fn(&Competitor) -> bool,
    ) -> Comparison {
        let entries = scenario.competitors.iter().filter(|known| selected(known)).map(Entry::new).collect();
        Comparison { scenario, cpus, entries, hand_overs: Vec::new(), launches: 0, next: 0 }
    }

    /// Runs one launch of all competitors. Returns whether every process was bound to its core.
    pub(crate) fn launch(&mut self, preset: Preset, cancel: CancelToken<'_>) -> Result<bool, Stopped> {
        let hand_over_ns = self.hand_over(cancel)?;
        for entry in &mut self.entries {
            entry.begin_launch(self.launches, hand_over_ns);
        }
        self.launches += 1;
        if self.scenario.task.is_death() {
            return self.deaths(preset, cancel);
        }
        let mut running = Vec::new();
        for entry in 0..self.entries.len() {
            if self.entries[entry].error.is_none() {
                running.extend(self.start(entry, preset, cancel)?);
            }
        }
        let pinned = running.iter().all(|one| one.launch.pinned());
        for round in 0..preset.rounds {
            self.round(&mut running, round % 2 == 1, cancel)?;
        }
        Ok(pinned)
    }

    /// Measures how far apart the two cores are now. `None` unless the sides have two cores.
    fn hand_over(&mut self, cancel: CancelToken<'_>) -> Result<Option<f64>, Stopped> {
        let (Placement::TwoCores, Some(client), Some(server)) =
            (self.scenario.placement, self.cpus.client, self.cpus.server)
        else {
            return Ok(None);
        };
        let measured = Probe::of_hand_over(self.cpus, cancel).and_then(|mut probe| probe.measure(cancel));
        match measured {
            Ok(ns) => {
                let (launch, distance) = (self.launches, Distance::of_hand_over(ns));
                self.hand_overs.push(HandOver { launch, cores: [client, server], ns, distance });
                Ok(Some(ns))
            }
            Err(Failure::Stopped) => Err(Stopped),
            // Without the distance, the figures are still worth having.
            Err(Failure::Failed(_)) => Ok(None),
        }
    }

    /// Kills the peers of all competitors, each time in fresh processes. A competitor whose call
    /// did not return once is not waited for again.
    fn deaths(&mut self, preset: Preset, cancel: CancelToken<'_>) -> Result<bool, Stopped> {
        let cancel = CancelToken { timeout: cancel.timeout + WATCHED, ..cancel };
        let mut pinned = true;
        for entry in 0..self.entries.len() {
            for _ in 0..preset.deaths {
                let Entry { error: None, timed_out: false, competitor, .. } = self.entries[entry] else {
                    break;
                };
                let launched = Launch::start(self.scenario, competitor, self.cpus, cancel);
                let Some(launch) = self.record_failure(entry, launched)? else {
                    break;
                };
                pinned &= launch.pinned();
                self.death(&mut Running { entry, launch, slice: first_slice(self.scenario) }, cancel)?;
            }
        }
        Ok(pinned)
    }

    fn death(&mut self, one: &mut Running, cancel: CancelToken<'_>) -> Result<(), Stopped> {
        if let Some(report) = self.turn(one, cancel)? {
            let entry = &mut self.entries[one.entry];
            if report.samples.is_empty() {
                entry.timed_out = true;
            } else {
                entry.current().samples.record(self.scenario.task, &one.slice, &report);
            }
        }
        Ok(())
    }

    /// Starts one competitor and calibrates its slice.
    fn start(
        &mut self,
        entry: usize,
        preset: Preset,
        cancel: CancelToken<'_>,
    ) -> Result<Option<Running>, Stopped> {
        let (scenario, cpus) = (self.scenario, self.cpus);
        let launched = Launch::start(scenario, self.entries[entry].competitor, cpus, cancel);
        let Some(launch) = self.record_failure(entry, launched)? else {
            return Ok(None);
        };
        let mut one = Running { entry, launch, slice: first_slice(scenario) };
        for target in [preset.slice / 20, preset.slice / 4, preset.slice] {
            let Some(report) = self.turn(&mut one, cancel)? else {
                return Ok(None);
            };
            let time = report.elapsed_ns as f64 / one.slice.messages as f64;
            one.slice = sized(scenario, time, target);
        }
        Ok(Some(one))
    }

    /// Runs a slice of each competitor.
    fn round(
        &mut self,
        running: &mut Vec<Running>,
        reversed: bool,
        cancel: CancelToken<'_>,
    ) -> Result<(), Stopped> {
        if reversed {
            running.reverse();
        }
        let mut times = vec![None; self.entries.len()];
        for one in running.iter_mut() {
            if let Some(report) = self.turn(one, cancel)? {
                let samples = &mut self.entries[one.entry].current().samples;
                times[one.entry] = Some(samples.record(self.scenario.task, &one.slice, &report));
            }
        }
        if reversed {
            running.reverse();
        }
        running.retain(|one| self.entries[one.entry].error.is_none());
        self.compare(&times);
        Ok(())
    }

    fn compare(&mut self, times: &[Option<f64>]) {
        let Some(Some(reference)) = times.first() else {
            return;
        };
        for (entry, time) in self.entries.iter_mut().zip(times) {
            if let Some(time) = time {
                entry.current().ratios.record(time / reference);
            }
        }
    }

    /// Runs one slice of one competitor.
    fn turn(&mut self, one: &mut Running, cancel: CancelToken<'_>) -> Result<Option<Report>, Stopped> {
        one.slice.first = self.next;
        self.next += one.slice.messages + 2 * one.slice.warm_up;
        let report = one.launch.run(&one.slice, cancel);
        self.record_failure(one.entry, report)
    }

    /// Records a failure of one competitor. Only a cancellation ends the run.
    fn record_failure<T>(&mut self, entry: usize, result: Result<T, Failure>) -> Result<Option<T>, Stopped> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(reason)) => {
                self.entries[entry].error = Some(reason);
                Ok(None)
            }
        }
    }
}

/// Returns the first slice, of a few messages, with which the time per message is estimated.
fn first_slice(scenario: &Scenario) -> Slice {
    match scenario.task {
        Task::RoundTrip => Slice { first: 0, warm_up: 4, messages: 16, batch: 1 },
        Task::Stream if scenario.size >= LARGE => Slice { first: 0, warm_up: 4, messages: 16, batch: 1 },
        Task::Stream => Slice { first: 0, warm_up: MIN_BLOCK, messages: 8 * MIN_BLOCK, batch: MIN_BLOCK },
        Task::SetUp => Slice { first: 0, warm_up: 1, messages: 2, batch: 1 },
        Task::Uncontended => Slice { first: 0, warm_up: BATCH, messages: 8 * BATCH, batch: BATCH },
        // Whole slices only: an operation of one side depends on those of the other.
        Task::Contended => Slice { first: 0, warm_up: BATCH, messages: 64 * BATCH, batch: 1 },
        Task::PeerDeath { .. } => Slice { first: 0, warm_up: 0, messages: 1, batch: 1 },
    }
}

/// Returns a slice that takes about `target` if a message takes `time` nanoseconds.
fn sized(scenario: &Scenario, time: f64, target: Duration) -> Slice {
    let fitting = (target.as_nanos() as f64 / time.max(0.1)).clamp(4.0, MAX_MESSAGES) as u64;
    let batch = match scenario.task {
        Task::RoundTrip if time < BATCHED_BELOW_NS => BATCH,
        Task::Stream if scenario.size < LARGE => block(time),
        Task::Uncontended => BATCH,
        _ => 1,
    };
    let messages = fitting.next_multiple_of(batch);
    let warm_up = match scenario.task {
        Task::RoundTrip => (messages / 10).clamp(4, 1000),
        // Until all buffers are filled.
        Task::Stream => (messages / 4).max(4).next_multiple_of(batch),
        Task::Uncontended | Task::Contended => (messages / 10).max(BATCH),
        Task::SetUp | Task::PeerDeath { .. } => 1,
    };
    Slice { first: 0, warm_up, messages, batch }
}

fn block(time: f64) -> u64 {
    let fitting = (BLOCK_NS / time.max(0.1)) as u64;
    fitting.clamp(MIN_BLOCK, MAX_BLOCK).next_multiple_of(MIN_BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::SCENARIOS;

    fn scenario(task: Task, large: bool) -> &'static Scenario {
        SCENARIOS.iter().find(|known| known.task == task && (known.size >= LARGE) == large).unwrap()
    }

    const TARGET: Duration = Duration::from_millis(10);

    #[test]
    fn sized_batches_fast_round_trips() {
        let fast = sized(scenario(Task::RoundTrip, false), 100.0, TARGET);
        assert_eq!((fast.messages, fast.batch), (100_000, 100));
        let slow = sized(scenario(Task::RoundTrip, false), 10_000.0, TARGET);
        assert_eq!((slow.messages, slow.batch), (1000, 1));
    }

    #[test]
    fn sized_streams_have_whole_batches_of_64() {
        for time in [0.3, 1.5, 70.0, 2000.0, 1e6] {
            let slice = sized(scenario(Task::Stream, false), time, TARGET);
            assert!(slice.batch.is_multiple_of(64) && slice.messages.is_multiple_of(slice.batch));
            assert!(slice.warm_up.is_multiple_of(slice.batch) && slice.warm_up >= slice.messages / 4);
        }
    }

    #[test]
    fn launches_of_different_distances_are_kept_apart() {
        let mut entry = Entry::new(&scenario(Task::RoundTrip, false).competitors[0]);
        for (launch, ns) in [(0, 100.0), (1, 600.0), (2, 120.0)] {
            entry.begin_launch(launch, Some(ns));
            entry.current().ratios.record(ns);
        }
        let distances: Vec<_> =
            entry.measured.iter().map(|one| (one.distance, one.ratios.slices())).collect();
        assert_eq!(distances, [(Some(Distance::Near), 2), (Some(Distance::Apart), 1)]);
    }

    #[test]
    fn sized_makes_each_large_message_a_sample() {
        let slice = sized(scenario(Task::Stream, true), 30_000.0, TARGET);
        assert_eq!((slice.messages, slice.batch, slice.warm_up), (333, 1, 83));
    }

    #[test]
    fn compare_is_relative_to_the_first_and_needs_both() {
        let free = CpuPair { client: None, server: None };
        let mut comparison = Comparison::new(scenario(Task::RoundTrip, false), free, |_| true);
        let mut times = vec![None; comparison.entries.len()];
        comparison.entries.iter_mut().for_each(|entry| entry.begin_launch(0, None));
        comparison.compare(&times);
        times[1] = Some(8.0);
        comparison.compare(&times);
        assert!(comparison.entries.iter().all(|entry| entry.measured[0].ratios.slices() == 0));
        times[0] = Some(2.0);
        comparison.compare(&times);
        assert_eq!(comparison.entries[1].measured[0].ratios.median(), Some(4.0));
        assert_eq!(comparison.entries[2].measured[0].ratios.slices(), 0);
    }
}
