//! Running a policy on jobs, both as text.

use ipcraft_lab::schedule::job::parse;
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::random::Random;
use ipcraft_lab::schedule::{Job, Metrics, Time, Timeline, ideal};

pub(crate) fn timeline(policy: &str, jobs: &[Job]) -> Timeline {
    let spec: Spec = policy.parse().unwrap();
    ideal::run(jobs, &mut *spec.policy(), false).unwrap()
}

pub(crate) fn metrics(policy: &str, jobs: &[Job]) -> Metrics {
    Metrics::of(jobs, &timeline(policy, jobs))
}

pub(crate) fn jobs(text: &str) -> Vec<Job> {
    parse(text).unwrap()
}

/// Returns the ends in units.
pub(crate) fn ends(timeline: &Timeline) -> Vec<f64> {
    timeline.ends.iter().map(|end| end.expect("every job ends").as_units()).collect()
}

/// Returns the names of the jobs that run, one for each unit: `AAB`. An idle unit is a point.
pub(crate) fn units(jobs: &[Job], timeline: &Timeline) -> String {
    let mut text = String::new();
    for segment in timeline.running() {
        while (text.len() as f64) < segment.from.as_units() {
            text.push('.');
        }
        while (text.len() as f64) < segment.to.as_units() {
            text += &jobs[segment.job].name;
        }
    }
    text
}

/// Returns up to `most` random jobs of up to 9 units, which arrive within `spread`.
pub(crate) fn random_jobs(random: &mut Random, most: u64, spread: u64) -> Vec<Job> {
    let count = random.between(1, most);
    let one = |index: u64| {
        let arrival = Time::units(random.between(0, spread));
        Job::new(format!("P{index}"), arrival, Time::units(random.between(1, 9)))
    };
    (1..=count).map(one).collect()
}
