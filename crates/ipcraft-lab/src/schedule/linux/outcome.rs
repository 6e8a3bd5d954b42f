//! What happened, from the records of the jobs.

use std::time::Duration;

use super::super::Metrics;
use super::super::dispatch::board::{Board, Word};
use super::super::dispatch::process::Process;
use super::super::dispatch::{JobReport, report};
use super::super::job::{Burst, Job};
use super::super::record::{self, Record};
use super::super::timeline::{Segment, Timeline, What};
use super::{Competition, LinuxRun};

impl Competition<'_> {
    pub(super) fn result(
        &self,
        board: &Board,
        processes: &[Process<'_>],
        start_ns: u64,
        quantum: Option<Duration>,
    ) -> LinuxRun {
        let jobs = self.jobs;
        let reports: Vec<JobReport> = processes
            .iter()
            .zip(jobs)
            .map(|(process, job)| report::of_job(process, job, self.scale))
            .collect();
        let records: Vec<Record> =
            processes.iter().map(|process| record::read(board, process.id, process.cpu_ns())).collect();
        let mut timeline = Timeline::new(jobs.len());
        report::add_records(&mut timeline, &records, self.scale, start_ns);
        self.add_blocked(&mut timeline, &records, start_ns);
        for (end, (process, report)) in timeline.ends.iter_mut().zip(processes.iter().zip(&reports)) {
            let last = process.desk.get(Word::Last).saturating_sub(start_ns);
            *end = report.died.is_none().then_some(self.scale.time(last));
        }
        LinuxRun {
            metrics: Metrics::of(jobs, &timeline),
            shares: shares(jobs, &timeline),
            timeline,
            jobs: reports,
            model_ends: self.model_ends(quantum),
            model_shares: self.model_shares(),
            quantum,
            group_weight: self.groups.as_ref().map(|groups| groups.weight),
            records,
            cpu: self.cores.jobs,
        }
    }

    /// Adds the time of each I/O. What follows until the next work is waiting for the core.
    fn add_blocked(&self, timeline: &mut Timeline, records: &[Record], start_ns: u64) {
        for (id, (job, record)) in self.jobs.iter().zip(records).enumerate() {
            let lengths = job.bursts.iter().filter_map(|burst| match burst {
                Burst::Io(length) => Some(*length),
                Burst::Compute(_) => None,
            });
            for (span, length) in record.blocked.iter().zip(lengths) {
                let time = |ns: u64| self.scale.time(ns.saturating_sub(start_ns));
                let (from, to) = (time(span.from), time(span.to));
                timeline.segments.push(Segment {
                    job: id,
                    from,
                    to: to.min(from + length),
                    what: What::Blocked,
                });
            }
        }
        timeline.segments.sort_by_key(|segment| (segment.from, segment.job));
    }
}

/// Returns the share of each job between the last arrival and the first end.
fn shares(jobs: &[Job], timeline: &Timeline) -> Vec<f64> {
    let from = jobs.iter().map(|job| job.arrival).max().unwrap_or_default();
    let to = timeline.ends.iter().flatten().copied().min().unwrap_or_default();
    let mut got = vec![0.0; jobs.len()];
    for segment in timeline.running() {
        got[segment.job] += (segment.to.min(to) - segment.from.max(from)).as_units();
    }
    let total: f64 = got.iter().sum();
    got.iter().map(|got| if total > 0.0 { got / total } else { 0.0 }).collect()
}
