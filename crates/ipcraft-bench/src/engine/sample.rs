//! Takes the samples of one group: the slices of all implementations alternate, so that noise meets
//! all of them alike.
//!
//! A launch starts fresh processes for each implementation and runs all scenarios. Within a
//! scenario the implementations take turns, first A B, then B A. A machine that becomes steadily
//! slower or faster favours neither, and the ratio of two neighbouring slices is a ratio of the
//! code.

use std::time::Instant;

use super::calibrate::{self, MIN_ROUNDS};
use super::scenario::{BenchmarkGroup, Scenario};
use crate::mechanism::{Implementation, Mechanism};
use crate::placement::CpuPair;
use crate::process::{CancelToken, Failure, Pair};
use crate::workload::{Report, Slice};

/// The run was cancelled.
pub(super) struct Stopped;

/// Runs every scenario of a group once, in fresh processes. Returns whether all processes were
/// pinned.
pub(super) fn launch(
    group: &mut BenchmarkGroup,
    until: Instant,
    cancel: CancelToken<'_>,
) -> Result<bool, Stopped> {
    let _spinners = match group.start_spinners() {
        Ok(spinners) => spinners,
        Err(failure) => {
            group.fail(&failure);
            return Ok(true);
        }
    };
    let mut pool = ProcessPool::new(group.mechanism, group.cpus, cancel);
    let mut left = group.scenarios.len() as u32;
    for scenario in &mut group.scenarios {
        let now = Instant::now();
        let share = until.saturating_duration_since(now) / left;
        scenario.measure(&mut pool, now + share)?;
        left -= 1;
    }
    Ok(pool.pinned)
}

/// The processes of one launch: a pair for each implementation, started when first needed.
struct ProcessPool<'a> {
    mechanism: &'static Mechanism,
    cpus: CpuPair,
    cancel: CancelToken<'a>,
    pairs: Vec<Option<Pair>>,
    pinned: bool,
}

impl<'a> ProcessPool<'a> {
    fn new(mechanism: &'static Mechanism, cpus: CpuPair, cancel: CancelToken<'a>) -> ProcessPool<'a> {
        ProcessPool {
            mechanism,
            cpus,
            cancel,
            pairs: mechanism.implementations.iter().map(|_| None).collect(),
            pinned: true,
        }
    }

    fn pair(&mut self, index: usize) -> Result<&mut Pair, Failure> {
        let slot = &mut self.pairs[index];
        if slot.is_none() {
            let (_, connect) = self.mechanism.implementations[index];
            let pair = Pair::launch(connect, self.cpus, self.cancel)?;
            self.pinned &= pair.pinned();
            *slot = Some(pair);
        }
        slot.as_mut().ok_or(Failure::Stopped)
    }

    /// Runs one slice. A pair that failed is in an unknown state, so the next scenario gets a new
    /// one.
    fn run(&mut self, index: usize, slice: &Slice) -> Result<Report, Failure> {
        let cancel = self.cancel;
        let report = self.pair(index)?.run(slice, cancel);
        if report.is_err() {
            self.pairs[index] = None;
        }
        report
    }
}

impl Scenario {
    fn measure(&mut self, pool: &mut ProcessPool<'_>, until: Instant) -> Result<(), Stopped> {
        self.begin_launch(pool)?;
        let Some(mut slice) = self.calibrate(pool, until)? else {
            return Ok(());
        };
        let mut rounds = 0;
        loop {
            let start = Instant::now();
            self.round(pool, &slice, rounds % 2 == 1)?;
            rounds += 1;
            let took = start.elapsed();
            let no_time_for_another = Instant::now() + took > until;
            if self.failed() || (rounds >= MIN_ROUNDS && no_time_for_another) {
                return Ok(());
            }
            slice = calibrate::shortened(slice, took / self.samples.len() as u32);
        }
    }

    fn begin_launch(&mut self, pool: &mut ProcessPool<'_>) -> Result<(), Stopped> {
        for index in 0..self.samples.len() {
            let cost = pool.pair(index).map(|pair| (pair.setup(), pair.memory()));
            if let Some((setup, memory)) = self.record_failure(index, cost)? {
                self.samples[index].begin_launch(setup.as_secs_f64() * 1e6);
                self.samples[index].memory_bytes = memory;
            }
        }
        Ok(())
    }

    /// Returns a slice of the right length, with equally many messages for all implementations.
    /// `None` if all have failed.
    fn calibrate(&mut self, pool: &mut ProcessPool<'_>, until: Instant) -> Result<Option<Slice>, Stopped> {
        let window = pool.mechanism.window(self.size);
        let left = until.saturating_duration_since(Instant::now());
        let target = calibrate::slice_time(left, self.samples.len());
        if self.workload.is_scheduled() {
            return Ok(Some(calibrate::scheduled(self.workload, self.size, window, target)));
        }
        let mut slice = calibrate::first_slice(self.workload, self.size, window);
        for target in [target / 5, target] {
            let Some(time) = self.slowest(pool, &slice)? else {
                return Ok(None);
            };
            slice = calibrate::sized(&slice, time, target);
        }
        Ok(Some(slice))
    }

    /// Returns the nanoseconds per message of the slowest implementation. `None` if all have
    /// failed.
    fn slowest(&mut self, pool: &mut ProcessPool<'_>, slice: &Slice) -> Result<Option<f64>, Stopped> {
        let mut slowest = None;
        for index in 0..self.samples.len() {
            if let Some(report) = self.slice(pool, index, slice)? {
                let time = report.elapsed_ns as f64 / slice.messages as f64;
                slowest = Some(time.max(slowest.unwrap_or(1.0)));
            }
        }
        Ok(slowest)
    }

    /// Runs one slice of each implementation.
    fn round(&mut self, pool: &mut ProcessPool<'_>, slice: &Slice, reversed: bool) -> Result<(), Stopped> {
        let count = self.samples.len();
        let mut times = vec![None; count];
        for turn in 0..count {
            let index = if reversed { count - 1 - turn } else { turn };
            if let Some(report) = self.slice(pool, index, slice)? {
                let messages = report.messages(slice);
                times[index] = Some(self.samples[index].record(&report, messages, slice.batch));
            }
        }
        self.compare(pool.mechanism, &times);
        Ok(())
    }

    fn compare(&mut self, mechanism: &Mechanism, times: &[Option<f64>]) {
        let library = time_of(mechanism, Implementation::Ipcraft, times);
        self.ratios.extend(ratio(library, time_of(mechanism, Implementation::Baseline, times)));
        let plain = time_of(mechanism, Implementation::Plain, times);
        for (ratios, time) in self.ratios_to_plain.iter_mut().zip(times) {
            ratios.extend(ratio(*time, plain));
        }
    }

    /// Runs one slice of one implementation, unless it has failed before.
    fn slice(
        &mut self,
        pool: &mut ProcessPool<'_>,
        index: usize,
        slice: &Slice,
    ) -> Result<Option<Report>, Stopped> {
        if self.samples[index].error.is_some() {
            return Ok(None);
        }
        let report = pool.run(index, slice);
        self.record_failure(index, report)
    }

    /// Records a failure in its row. Only a cancellation ends the run.
    fn record_failure<T>(&mut self, index: usize, result: Result<T, Failure>) -> Result<Option<T>, Stopped> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(reason)) => {
                self.samples[index].error = Some(reason);
                Ok(None)
            }
        }
    }
}

/// Returns the time of one implementation, given those of all.
fn time_of(mechanism: &Mechanism, implementation: Implementation, times: &[Option<f64>]) -> Option<f64> {
    let index = mechanism.implementations.iter().position(|(known, _)| *known == implementation)?;
    times[index]
}

fn ratio(time: Option<f64>, reference: Option<f64>) -> Option<f64> {
    Some(time? / reference?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::workload::Workload;

    #[test]
    fn compare_needs_both_times() {
        let compare = |mechanism: &Mechanism, times: &[Option<f64>]| {
            let mut scenario = Scenario::new(mechanism, Workload::RoundTrip, 64);
            scenario.compare(mechanism, times);
            (scenario.ratios, scenario.ratios_to_plain)
        };
        let udp = catalog::find("udp").unwrap();
        assert_eq!(compare(udp, &[Some(3.0), Some(2.0)]).0, [1.5]);
        assert!(compare(udp, &[Some(3.0), None]).0.is_empty());
        assert!(compare(catalog::limits()[0], &[Some(3.0)]).0.is_empty());
        let mutex = catalog::find("sync_mutex").unwrap();
        let (to_baseline, to_plain) = compare(mutex, &[Some(3.0), Some(2.0), Some(1.0)]);
        assert_eq!((to_baseline, to_plain), (vec![1.5], vec![vec![3.0], vec![2.0], vec![1.0]]));
    }
}
