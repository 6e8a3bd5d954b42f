//! Large and long sets.

use ipcraft_lab::schedule::ideal::{self, TooLong};
use ipcraft_lab::schedule::job::MAX_JOBS;
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::{Job, Time};

use super::support::{jobs, metrics};

/// Policies that scan all ready jobs are left out: a debug build would take seconds.
#[test]
fn ten_thousand_jobs_are_scheduled() {
    let text = vec!["2"; MAX_JOBS].join(",");
    let jobs = jobs(&text);
    for policy in ["fcfs", "rr:1", "multilevel:1,2"] {
        let found = metrics(policy, &jobs);
        assert_eq!(found.makespan, Time::units(2 * MAX_JOBS as u64), "{policy}");
        assert!(found.fairness.jain > 0.0, "{policy}");
    }
}

#[test]
fn schedule_with_too_many_decisions_is_refused() {
    let jobs = [Job::new("A", Time::ZERO, Time::units(1_000_000_000))];
    let mut policy = "rr:0.0001".parse::<Spec>().unwrap().policy();
    assert_eq!(ideal::run(&jobs, &mut *policy, false), Err(TooLong));
}

#[test]
fn longest_times_do_not_overflow() {
    let jobs = jobs("1000000000@1000000000,1000000000");
    let found = metrics("fcfs", &jobs);
    assert_eq!(found.makespan, Time::units(2_000_000_000));
    assert_eq!(found.cpu_use, 1.0);
}

/// A book lets a quantum and a job end at one moment. So does a job that has a trace left.
#[test]
fn job_with_less_than_the_grace_left_finishes_in_its_quantum() {
    assert_eq!(metrics("rr:4", &jobs("4.0199,4")).dispatches, 2);
    assert_eq!(metrics("rr:4", &jobs("4.02,4")).dispatches, 3);
}
