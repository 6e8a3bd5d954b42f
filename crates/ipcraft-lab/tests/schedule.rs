//! The policies against published schedules.

use ipcraft_lab::schedule::job::parse;
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::{Metrics, ideal};

fn metrics(policy: &str, jobs: &str) -> Metrics {
    let jobs = parse(jobs).unwrap();
    let spec: Spec = policy.parse().unwrap();
    let timeline = ideal::run(&jobs, &mut *spec.policy(), false).unwrap();
    Metrics::of(&jobs, &timeline)
}

#[test]
fn silberschatz() {
    let m = metrics("fcfs", "24,3,3");
    assert_eq!((m.response, m.turnaround, m.waiting), (17.0, 27.0, 17.0));
    let m = metrics("rr:4", "24,3,3");
    assert_eq!((m.waiting, m.dispatches, m.switches), (17.0 / 3.0, 8, 3));
}
