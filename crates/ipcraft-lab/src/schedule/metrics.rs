//! What a schedule is judged by. Ideal and real schedules are measured by the same code.

use serde::Serialize;

use super::fairness::{Fairness, fairness};
use super::job::Job;
use super::time::Time;
use super::timeline::{Timeline, What};

/// The metrics of one job. What needs an end is `None` for a job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobMetrics {
    /// First run - arrival.
    pub response: Option<Time>,
    /// End - arrival.
    pub turnaround: Option<Time>,
    /// Turnaround - service - time blocked in I/O.
    pub waiting: Option<Time>,
    /// The CPU time that it got.
    pub service: Time,
    /// The time that it was blocked.
    pub blocked: Time,
    /// When it ended.
    pub end: Option<Time>,
    /// By how much it ended after its deadline: zero if in time, `None` without one.
    pub lateness: Option<Time>,
    /// Whether it has missed its deadline, or has not ended.
    pub missed: bool,
}

/// The metrics of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Of each job.
    pub jobs: Vec<JobMetrics>,
    /// The average response, in units.
    pub response: f64,
    /// The average turnaround, in units.
    pub turnaround: f64,
    /// The average waiting time, in units.
    pub waiting: f64,
    /// From the first arrival to the last end.
    pub makespan: Time,
    /// Jobs that ended, per unit of the makespan.
    pub throughput: f64,
    /// Service / makespan, from 0 to 1.
    pub cpu_use: f64,
    /// Decisions, also if the same job continues.
    pub dispatches: usize,
    /// Changes of the running job.
    pub switches: usize,
    /// How even the shares of the jobs are.
    pub fairness: Fairness,
    /// Jobs that have a deadline.
    pub deadlines: usize,
    /// Deadlines that were missed.
    pub misses: usize,
    /// The longest time by which a deadline was missed.
    pub worst_lateness: Time,
}

impl Metrics {
    /// Returns the metrics of a schedule of these jobs.
    pub fn of(jobs: &[Job], timeline: &Timeline) -> Metrics {
        let each = of_jobs(jobs, timeline);
        let ended = each.iter().filter(|job| job.end.is_some()).count();
        let makespan = makespan(jobs, timeline);
        let service: Time = each.iter().map(|job| job.service).sum();
        let per_unit = |amount: f64| if makespan.is_zero() { 0.0 } else { amount / makespan.as_units() };
        Metrics {
            response: average(each.iter().map(|job| job.response)),
            turnaround: average(each.iter().map(|job| job.turnaround)),
            waiting: average(each.iter().map(|job| job.waiting)),
            makespan,
            throughput: per_unit(ended as f64),
            cpu_use: per_unit(service.as_units()),
            dispatches: timeline.dispatches.len(),
            switches: switches(timeline),
            fairness: fairness(jobs, timeline),
            deadlines: jobs.iter().filter(|job| job.deadline.is_some()).count(),
            misses: each.iter().filter(|job| job.missed).count(),
            worst_lateness: each.iter().filter_map(|job| job.lateness).max().unwrap_or_default(),
            jobs: each,
        }
    }
}

fn of_jobs(jobs: &[Job], timeline: &Timeline) -> Vec<JobMetrics> {
    let mut first = vec![None; jobs.len()];
    let mut service = vec![Time::ZERO; jobs.len()];
    let mut blocked = vec![Time::ZERO; jobs.len()];
    for segment in &timeline.segments {
        let time = segment.to - segment.from;
        match segment.what {
            What::Running => {
                first[segment.job].get_or_insert(segment.from);
                service[segment.job] += time;
            }
            What::Blocked => blocked[segment.job] += time,
            What::Switching | What::Stolen => {}
        }
    }
    let one = |id: usize| {
        let (job, end) = (&jobs[id], timeline.ends[id]);
        let turnaround = end.map(|end| end - job.arrival);
        let due = job.absolute_deadline();
        JobMetrics {
            response: first[id].map(|first| first - job.arrival),
            turnaround,
            waiting: turnaround.map(|turnaround| turnaround - service[id] - blocked[id]),
            service: service[id],
            blocked: blocked[id],
            end,
            lateness: due.zip(end).map(|(due, end)| end - due),
            missed: due.is_some_and(|due| end.is_none_or(|end| end > due)),
        }
    };
    (0..jobs.len()).map(one).collect()
}

fn makespan(jobs: &[Job], timeline: &Timeline) -> Time {
    let start = jobs.iter().map(|job| job.arrival).min().unwrap_or_default();
    timeline.end() - start
}

/// Returns the average of the known times, in units.
fn average(times: impl Iterator<Item = Option<Time>>) -> f64 {
    let known: Vec<Time> = times.flatten().collect();
    if known.is_empty() {
        return 0.0;
    }
    known.iter().copied().sum::<Time>().as_units() / known.len() as f64
}

fn switches(timeline: &Timeline) -> usize {
    let jobs: Vec<usize> = timeline.running().map(|segment| segment.job).collect();
    jobs.windows(2).filter(|pair| pair[0] != pair[1]).count()
}
