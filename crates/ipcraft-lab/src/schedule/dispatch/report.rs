//! What a real run is reported as.

use nix::sys::wait::WaitStatus;
use serde::Serialize;

use super::board::{Board, Word};
use super::engine::Outcome;
use super::process::Process;
use super::{Clock, CorePair, Options, Run, Scale};
use crate::schedule::Metrics;
use crate::schedule::job::Job;
use crate::schedule::policy::Id;
use crate::schedule::record::{self, Record};
use crate::schedule::time::Time;
use crate::schedule::timeline::{Segment, Timeline, What};

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobReport {
    /// Its CPU time by the kernel's clock, in nanoseconds.
    pub cpu_ns: u64,
    /// What it should have used.
    pub length_ns: u64,
    /// The links of its hash chain.
    pub iterations: u64,
    /// The end of its hash chain, which [`hash_chain`](super::hash_chain) returns, too.
    pub hash: u64,
    /// How it ended, if not by finishing its work.
    pub died: Option<String>,
}

/// Whether a real run decided as the ideal one did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// The number of the first decision that differs, from 0.
    pub first_difference: Option<usize>,
    /// The decisions of the ideal run.
    pub ideal: usize,
    /// The decisions of the real run.
    pub real: usize,
}

impl Agreement {
    /// Compares the sequences of dispatches.
    pub fn of(ideal: &Timeline, real: &Timeline) -> Agreement {
        let (left, right) = (ideal.order(), real.order());
        let differs = |at: &usize| left.get(*at) != right.get(*at);
        let first_difference = (0..left.len().max(right.len())).find(differs);
        Agreement { first_difference, ideal: left.len(), real: right.len() }
    }

    /// Whether both dispatched the same jobs in the same order.
    pub fn is_same(&self) -> bool {
        self.first_difference.is_none()
    }
}

pub(super) fn report(
    jobs: &[Job],
    outcome: Outcome<'_>,
    board: &Board,
    options: &Options,
    scale: Scale,
    cores: CorePair,
) -> Run {
    let records: Vec<Record> =
        outcome.processes.iter().map(|process| record::read(board, process.id, process.cpu_ns())).collect();
    let reports = outcome.processes.iter().zip(jobs).map(|(process, job)| of_job(process, job, scale));
    let reports = reports.collect();
    let mut timeline = outcome.timeline;
    if options.clock == Clock::Wall {
        add_records(&mut timeline, &records, scale, outcome.start_ns);
    }
    timeline.segments.sort_by_key(|segment| (segment.from, segment.job));
    Run {
        metrics: Metrics::of(jobs, &timeline),
        timeline,
        jobs: reports,
        switch_ns: switch_cost(&records),
        check: record::check(&records),
        records,
        interferences: outcome.interferences,
        cpu: cores.jobs,
        dispatcher_cpu: cores.dispatcher,
        way: options.way,
        clock: options.clock,
    }
}

pub(in super::super) fn of_job(process: &Process<'_>, job: &Job, scale: Scale) -> JobReport {
    JobReport {
        cpu_ns: process.cpu_ns(),
        length_ns: scale.ns(job.length()),
        iterations: process.desk.get(Word::Iterations),
        hash: process.desk.get(Word::Hash),
        died: process.end().and_then(death),
    }
}

fn death(status: WaitStatus) -> Option<String> {
    match status {
        WaitStatus::Exited(_, 0) => None,
        WaitStatus::Exited(_, code) => Some(format!("exit status {code}")),
        WaitStatus::Signaled(_, signal, _) => Some(format!("killed by {signal}")),
        other => Some(format!("{other:?}")),
    }
}

/// Adds what the jobs recorded: when they ran, and when the core was taken from them.
pub(in super::super) fn add_records(
    timeline: &mut Timeline,
    records: &[Record],
    scale: Scale,
    start_ns: u64,
) {
    let time = |ns: u64| scale.time(ns.saturating_sub(start_ns));
    let mut segments = std::mem::take(&mut timeline.segments);
    for (job, record) in records.iter().enumerate() {
        let mut add = |span: &record::Span, what| {
            segments.push(Segment { job, from: time(span.from), to: time(span.to), what });
        };
        record.runs.iter().for_each(|span| add(span, What::Running));
        record.stolen.iter().for_each(|(span, _)| add(span, What::Stolen));
    }
    segments.sort_by_key(|segment| (segment.from, segment.job));
    let switching =
        timeline.dispatches.iter().filter_map(|dispatch| first_run(&segments, dispatch.job, dispatch.at));
    let switching: Vec<Segment> = switching.collect();
    segments.extend(switching);
    segments.sort_by_key(|segment| (segment.from, segment.job));
    for segment in segments {
        timeline.push(segment);
    }
}

/// Returns the time from a decision to the first work of the job, if it did not run already.
fn first_run(segments: &[Segment], job: Id, at: Time) -> Option<Segment> {
    let mut own = segments.iter().filter(|segment| segment.job == job && segment.what == What::Running);
    let next = own.find(|segment| segment.to > at)?;
    (next.from > at).then_some(Segment { job, from: at, to: next.from, what: What::Switching })
}

/// Returns the median time between the runs of two jobs that follow each other.
fn switch_cost(records: &[Record]) -> Option<u64> {
    let gaps = switches(records);
    gaps.get(gaps.len() / 2).copied()
}

/// Returns the times between the runs of two jobs that follow each other, the shortest first.
pub(in super::super) fn switches(records: &[Record]) -> Vec<u64> {
    let mut runs: Vec<(u64, u64, usize)> = Vec::new();
    for (job, record) in records.iter().enumerate() {
        runs.extend(record.runs.iter().map(|run| (run.from, run.to, job)));
    }
    runs.sort_unstable();
    let changes = runs.windows(2).filter(|pair| pair[0].2 != pair[1].2);
    let mut gaps: Vec<u64> = changes.map(|pair| pair[1].0.saturating_sub(pair[0].1)).collect();
    gaps.sort_unstable();
    gaps
}
