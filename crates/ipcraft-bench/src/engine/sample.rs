//! Takes the samples of one group: the slices of all implementations alternate, so that noise meets
//! all of them alike.
//!
//! A launch starts fresh processes for each implementation and runs all scenarios. Within a
//! scenario the implementations take turns, first A B, then B A. A machine that becomes steadily
//! slower or faster favours neither, and the ratio of their times in one launch is a ratio of the
//! code.

use std::time::Instant;

use super::calibrate::{self, MIN_ROUNDS};
use super::measured::Measured;
use super::scenario::{BenchmarkGroup, Scenario};
use crate::mechanism::Mechanism;
use crate::placement::CpuPair;
use crate::process::{CancelToken, Failure, Pair};
use crate::workload::{Report, Slice};

/// The run was cancelled.
pub(super) struct Stopped;

/// What one launch of a group measured.
pub(super) struct Launched {
    /// In the order of the scenarios.
    pub(super) measured: Vec<Measured>,
    /// Whether all processes were pinned.
    pub(super) pinned: bool,
}

/// Runs every scenario of a group once, in fresh processes.
pub(super) fn launch(
    group: &mut BenchmarkGroup,
    number: usize,
    until: Instant,
    cancel: CancelToken<'_>,
) -> Result<Launched, Stopped> {
    let mut measured = Vec::new();
    let _spinners = match group.start_spinners() {
        Ok(spinners) => spinners,
        Err(failure) => {
            group.fail(&failure);
            return Ok(Launched { measured, pinned: true });
        }
    };
    let mut pool = ProcessPool::new(group.mechanism, group.cpus, cancel);
    let mut left = group.scenarios.len() as u32;
    for scenario in &mut group.scenarios {
        let now = Instant::now();
        let share = until.saturating_duration_since(now) / left;
        measured.push(scenario.measure(&mut pool, number, now + share)?);
        left -= 1;
    }
    Ok(Launched { measured, pinned: pool.pinned })
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
    fn measure(
        &mut self,
        pool: &mut ProcessPool<'_>,
        number: usize,
        until: Instant,
    ) -> Result<Measured, Stopped> {
        let mut measured = self.begin_launch(pool, number)?;
        let Some(mut slice) = self.calibrate(pool, until)? else {
            return Ok(measured);
        };
        let mut rounds = 0;
        loop {
            let start = Instant::now();
            self.round(pool, &slice, rounds % 2 == 1, &mut measured)?;
            rounds += 1;
            let took = start.elapsed();
            let no_time_for_another = Instant::now() + took > until;
            if self.failed() || (rounds >= MIN_ROUNDS && no_time_for_another) {
                measured.end_launch(pool.mechanism);
                return Ok(measured);
            }
            slice = calibrate::shortened(slice, took / self.subjects.len() as u32);
        }
    }

    fn begin_launch(&mut self, pool: &mut ProcessPool<'_>, number: usize) -> Result<Measured, Stopped> {
        let mut measured = Measured::new(self.subjects.len());
        measured.begin_launch();
        for index in 0..self.subjects.len() {
            if self.subjects[index].error.is_some() {
                continue;
            }
            let cost = pool.pair(index).map(|pair| (pair.setup(), pair.memory()));
            if let Some((setup, memory)) = self.record_failure(index, cost)? {
                measured.samples[index].begin_launch(number, setup.as_secs_f64() * 1e6);
                self.subjects[index].memory_bytes = memory;
            }
        }
        Ok(measured)
    }

    /// Returns a slice of the right length, with equally many messages for all implementations.
    /// `None` if all have failed.
    ///
    /// The slices before it warm up the processes. A launch starts from the slice of the launch
    /// before, so one of a fifth of that length is enough.
    fn calibrate(&mut self, pool: &mut ProcessPool<'_>, until: Instant) -> Result<Option<Slice>, Stopped> {
        let window = pool.mechanism.window(self.size);
        let left = until.saturating_duration_since(Instant::now());
        let target = calibrate::slice_time(left, self.subjects.len());
        if self.workload.is_scheduled() {
            return Ok(Some(calibrate::scheduled(self.workload, self.size, window, target)));
        }
        let mut slice = match &self.slice {
            Some(known) => calibrate::fifth(known),
            None => {
                let first = calibrate::first_slice(self.workload, self.size, window);
                let Some(time) = self.slowest(pool, &first)? else {
                    return Ok(None);
                };
                calibrate::sized(&first, time, target / 5)
            }
        };
        let Some(time) = self.slowest(pool, &slice)? else {
            return Ok(None);
        };
        slice = match &self.slice {
            Some(known) => calibrate::resized(known, time, target),
            None => calibrate::sized(&slice, time, target),
        };
        self.slice = Some(slice.clone());
        Ok(Some(slice))
    }

    /// Returns the nanoseconds per message of the slowest implementation. `None` if all have
    /// failed.
    fn slowest(&mut self, pool: &mut ProcessPool<'_>, slice: &Slice) -> Result<Option<f64>, Stopped> {
        let mut slowest = None;
        for index in 0..self.subjects.len() {
            if let Some(report) = self.slice(pool, index, slice)? {
                let time = report.elapsed_ns as f64 / slice.messages as f64;
                slowest = Some(time.max(slowest.unwrap_or(1.0)));
            }
        }
        Ok(slowest)
    }

    /// Runs one slice of each implementation.
    fn round(
        &mut self,
        pool: &mut ProcessPool<'_>,
        slice: &Slice,
        reversed: bool,
        measured: &mut Measured,
    ) -> Result<(), Stopped> {
        let count = self.subjects.len();
        for turn in 0..count {
            let index = if reversed { count - 1 - turn } else { turn };
            if let Some(report) = self.slice(pool, index, slice)? {
                let messages = report.messages(slice);
                measured.samples[index].record(&report, messages, slice.batch);
            }
        }
        Ok(())
    }

    /// Runs one slice of one implementation, unless it has failed before.
    fn slice(
        &mut self,
        pool: &mut ProcessPool<'_>,
        index: usize,
        slice: &Slice,
    ) -> Result<Option<Report>, Stopped> {
        if self.subjects[index].error.is_some() {
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
                self.subjects[index].error = Some(reason);
                Ok(None)
            }
        }
    }
}
