//! Sharing the CPU: all ready jobs run at the same time, each at its share. Fair policies approach
//! this as their quantum becomes short.

use super::job::{Burst, Job};
use super::time::Time;

/// Returns when each job ends if all ready jobs share the CPU by these weights, of which each is
/// above 0. The ends are rounded to a tick.
///
/// # Panics
/// If there are fewer weights than jobs.
pub fn ends(jobs: &[Job], weights: &[f64]) -> Vec<Time> {
    assert!(weights.len() >= jobs.len(), "a weight for each job");
    let mut sharing = Sharing {
        jobs: jobs
            .iter()
            .map(|job| State { bursts: &job.bursts, left: 0.0, at: job.arrival.ticks() as f64 })
            .collect(),
        weights,
        now: 0.0,
        ends: vec![0.0; jobs.len()],
    };
    while sharing.step() {}
    sharing.ends.iter().map(|end| Time::from_ticks(end.round() as u64)).collect()
}

/// A job that computes has `left` above 0. One that does not becomes ready `at`, unless it has
/// ended and has no more bursts.
struct State<'a> {
    bursts: &'a [Burst],
    left: f64,
    at: f64,
}

struct Sharing<'a> {
    jobs: Vec<State<'a>>,
    weights: &'a [f64],
    now: f64,
    ends: Vec<f64>,
}

impl Sharing<'_> {
    /// Advances to the next arrival or end. Returns whether there is one.
    fn step(&mut self) -> bool {
        self.arrive();
        let total: f64 = self.ready().map(|id| self.weights[id]).sum();
        let pending = self.jobs.iter().filter(|job| job.left == 0.0 && !job.bursts.is_empty());
        let arrival = pending.map(|job| job.at - self.now).fold(f64::INFINITY, f64::min);
        let first = self.ready().map(|id| (self.jobs[id].left * total / self.weights[id], id));
        let first = first.min_by(|a, b| a.0.total_cmp(&b.0));
        let time = first.map_or(arrival, |(end, _)| end.min(arrival));
        if !time.is_finite() {
            return false;
        }
        self.now += time;
        for id in 0..self.jobs.len() {
            if self.jobs[id].left > 0.0 {
                self.run(id, time * self.weights[id] / total);
            }
        }
        // Rounding must not leave a trace of the job whose end this is.
        if let Some((end, id)) = first
            && end <= arrival
        {
            self.run(id, f64::INFINITY);
        }
        true
    }

    fn ready(&self) -> impl Iterator<Item = usize> {
        (0..self.jobs.len()).filter(|&id| self.jobs[id].left > 0.0)
    }

    fn arrive(&mut self) {
        for job in &mut self.jobs {
            if job.left == 0.0
                && job.at <= self.now
                && let Some((Burst::Compute(time), rest)) = job.bursts.split_first()
            {
                (job.left, job.bursts) = (time.ticks() as f64, rest);
            }
        }
    }

    /// Gives a job CPU time. If that ends its burst, its I/O begins or it ends.
    fn run(&mut self, id: usize, time: f64) {
        let job = &mut self.jobs[id];
        if job.left == 0.0 {
            return;
        }
        job.left = (job.left - time).max(0.0);
        if job.left == 0.0 {
            self.ends[id] = self.now;
            if let Some((Burst::Io(io), rest)) = job.bursts.split_first() {
                (job.at, job.bursts) = (self.now + io.ticks() as f64, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::job::parse;

    fn ends_of(jobs: &str, weights: &[f64]) -> Vec<f64> {
        ends(&parse(jobs).unwrap(), weights).into_iter().map(Time::as_units).collect()
    }

    #[test]
    fn equal_jobs_end_together() {
        assert_eq!(ends_of("5,5,5", &[1.0; 3]), [15.0; 3]);
    }

    #[test]
    fn weights_divide_the_cpu_until_a_job_ends() {
        assert_eq!(ends_of("6,6", &[2.0, 1.0]), [9.0, 12.0]);
    }

    #[test]
    fn blocked_job_leaves_its_share_to_the_others() {
        // Both run to 4. A is blocked to 6, while B gets 2 more and ends at 9 with what A leaves.
        assert_eq!(ends_of("A:0:2,io2,1 B:0:5", &[1.0; 2]), [8.0, 8.0]);
    }

    #[test]
    fn job_that_arrives_late_shares_from_then_on() {
        assert_eq!(ends_of("4@0,1@2", &[1.0; 2]), [5.0, 4.0]);
    }
}
