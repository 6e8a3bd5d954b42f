//! How evenly a schedule shares the CPU.

use serde::Serialize;

use super::job::Job;
use super::time::Time;
use super::timeline::{Timeline, What};

/// Two measures of fairness. Each job is entitled to a share by its tickets, from its arrival to
/// its end, except while it is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fairness {
    /// Jain's index of got / present, by ticket: 1 if all run at the same rate, 1/n if one runs.
    pub jain: f64,
    /// The largest difference between what a job had got and what it was entitled to, in units,
    /// at any moment.
    pub worst_gap: f64,
}

/// Returns the fairness of a schedule.
pub(super) fn fairness(jobs: &[Job], timeline: &Timeline) -> Fairness {
    let stays = stays(jobs, timeline);
    Fairness { jain: jain(jobs, timeline, &stays), worst_gap: worst_gap(jobs, timeline, &stays) }
}

/// Returns the stretches of time in which each job could use the CPU.
fn stays(jobs: &[Job], timeline: &Timeline) -> Vec<Vec<(Time, Time)>> {
    let mut stays = vec![Vec::new(); jobs.len()];
    let mut since: Vec<Time> = jobs.iter().map(|job| job.arrival).collect();
    for segment in timeline.segments.iter().filter(|segment| segment.what == What::Blocked) {
        stays[segment.job].push((since[segment.job], segment.from));
        since[segment.job] = segment.to;
    }
    let last = timeline.end();
    for (id, stays) in stays.iter_mut().enumerate() {
        stays.push((since[id], timeline.ends[id].unwrap_or(last)));
    }
    stays
}

fn jain(jobs: &[Job], timeline: &Timeline, stays: &[Vec<(Time, Time)>]) -> f64 {
    let mut got = vec![0.0; jobs.len()];
    for segment in timeline.running() {
        got[segment.job] += (segment.to - segment.from).as_units();
    }
    let rate = |(id, job): (usize, &Job)| {
        let present: Time = stays[id].iter().map(|&(from, to)| to - from).sum();
        got[id] / present.as_units().max(f64::MIN_POSITIVE) / job.tickets as f64
    };
    let rates: Vec<f64> = jobs.iter().enumerate().map(rate).collect();
    let sum: f64 = rates.iter().sum();
    let squares: f64 = rates.iter().map(|rate| rate * rate).sum();
    if squares == 0.0 { 1.0 } else { sum * sum / (rates.len() as f64 * squares) }
}

fn worst_gap(jobs: &[Job], timeline: &Timeline, stays: &[Vec<(Time, Time)>]) -> f64 {
    let clock = ShareClock::new(jobs, stays);
    let mut entitled = vec![0.0; jobs.len()];
    // Between two starts or ends of its running segments the gap of a job only grows or only
    // falls, so it is worst at one of them, or at its end.
    let mut got = vec![0.0; jobs.len()];
    let mut place = vec![0; jobs.len()];
    let mut worst: f64 = 0.0;
    let mut advance = |id: usize, to: Time, got: f64| {
        while let Some(&(from, until)) = stays[id].get(place[id]).filter(|stay| stay.1 <= to) {
            entitled[id] += clock.share(from, until);
            place[id] += 1;
        }
        let open = stays[id].get(place[id]).filter(|stay| stay.0 < to);
        let so_far = entitled[id] + open.map_or(0.0, |stay| clock.share(stay.0, to));
        worst = worst.max((got - so_far * jobs[id].tickets as f64).abs());
    };
    for segment in timeline.running() {
        advance(segment.job, segment.from, got[segment.job]);
        got[segment.job] += (segment.to - segment.from).as_units();
        advance(segment.job, segment.to, got[segment.job]);
    }
    worst
}

/// What one ticket is entitled to since the start, at each moment at which that rate changes.
struct ShareClock {
    moments: Vec<(Time, f64)>,
    tickets: Vec<u64>,
}

impl ShareClock {
    fn new(jobs: &[Job], stays: &[Vec<(Time, Time)>]) -> ShareClock {
        let mut changes = Vec::new();
        for (job, stays) in jobs.iter().zip(stays) {
            let tickets = i128::from(job.tickets);
            changes.extend(stays.iter().flat_map(|&(from, to)| [(from, tickets), (to, -tickets)]));
        }
        changes.sort_unstable();
        let mut clock = ShareClock { moments: vec![(Time::ZERO, 0.0)], tickets: vec![0] };
        let mut present = 0;
        for (at, change) in changes {
            let value = clock.at(at);
            present += change;
            clock.moments.push((at, value));
            clock.tickets.push(u64::try_from(present).unwrap_or(0));
        }
        clock
    }

    fn at(&self, time: Time) -> f64 {
        let index = self.moments.partition_point(|&(at, _)| at <= time).max(1) - 1;
        let ((at, value), tickets) = (self.moments[index], self.tickets[index]);
        if tickets == 0 { value } else { value + (time - at).as_units() / tickets as f64 }
    }

    fn share(&self, from: Time, to: Time) -> f64 {
        self.at(to) - self.at(from)
    }
}
