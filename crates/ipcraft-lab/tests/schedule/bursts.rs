//! Jobs that block.

use ipcraft_lab::schedule::policy::{Spec, Stopped};
use ipcraft_lab::schedule::{Burst, Job, ReadyList, Time};

use super::support::{jobs, metrics, timeline, units};

/// Returns a job of OSTEP's mlfq.py: it blocks for 5 each time that it has run for `every`.
fn ostep(name: &str, length: u64, every: u64) -> Job {
    let mut job = Job::new(name, Time::ZERO, Time::units(every));
    let mut left = length - every;
    while left > 0 {
        let burst = left.min(every);
        job.bursts.extend([Burst::Io(Time::units(5)), Burst::Compute(Time::units(burst))]);
        left -= burst;
    }
    job
}

/// The default job set of OSTEP's mlfq.py with three jobs and three queues of quantum 10.
#[test]
fn multilevel_with_io_is_that_of_ostep() {
    let jobs = [ostep("0", 84, 7), ostep("1", 42, 3), ostep("2", 51, 4)];
    assert_eq!(jobs.each_ref().map(Job::length), [84, 42, 51].map(Time::units));
    let found = metrics("multilevel:10,10,10,ostep", &jobs);
    let of = |time: Option<Time>| time.unwrap().as_units();
    assert_eq!(found.jobs.iter().map(|job| of(job.response)).collect::<Vec<_>>(), [0.0, 7.0, 10.0]);
    assert_eq!(found.jobs.iter().map(|job| of(job.turnaround)).collect::<Vec<_>>(), [180.0, 161.0, 171.0]);
}

#[test]
fn blocked_job_goes_to_the_tail_as_a_new_one_does() {
    let jobs = jobs("A:0:1,io1,1 B:0:3 C:2:1");
    // At 2 C arrives, and the I/O of A ends: events of one moment are in the order of the list.
    assert_eq!(units(&jobs, &timeline("fcfs", &jobs)), "ABBBAC");
}

#[test]
fn cpu_is_idle_while_every_job_is_blocked_or_has_not_come() {
    let jobs = jobs("A:1:1,io2,1");
    assert_eq!(units(&jobs, &timeline("fcfs", &jobs)), ".A..A");
    let found = metrics("fcfs", &jobs);
    assert_eq!((found.cpu_use, found.switches, found.waiting), (0.5, 0, 0.0));
    assert_eq!(found.jobs[0].blocked, Time::units(2));
}

#[test]
fn io_hides_behind_the_work_of_another_job() {
    let jobs = ipcraft_lab::schedule::sets::find("ostep-io").unwrap().jobs();
    // 130 units of which the CPU works 100: the last bursts of A have nothing beside them.
    assert_eq!(metrics("fcfs", &jobs).cpu_use, 100.0 / 130.0);
    assert!(metrics("srtn", &jobs).cpu_use > 0.75);
}

/// The estimates that Silberschatz prints, from the bursts of one job as a policy hears of them.
#[test]
fn estimate_follows_the_bursts_of_a_job() {
    let jobs = jobs("A:0:6,io1,4,io1,6,io1,4,io1,13,io1,13,io1,13");
    let mut policy = "spn:a=1/2,t0=10".parse::<Spec>().unwrap().policy();
    let mut found = Vec::new();
    for burst in jobs[0].bursts.iter().filter_map(|burst| match burst {
        Burst::Compute(time) => Some(*time),
        Burst::Io(_) => None,
    }) {
        let list = ReadyList::new(&jobs, &mut *policy);
        let view = *list.view(0);
        found.push(policy.explain(&view, Time::ZERO));
        // In two parts: what counts is the burst, not the run.
        policy.ran(&view, Time::UNIT, Stopped::Preempted, Time::ZERO);
        policy.ran(&view, burst - Time::UNIT, Stopped::Blocked, Time::ZERO);
    }
    let expected = [10, 8, 6, 6, 5, 9, 11].map(|estimate| format!("estimate {estimate}"));
    assert_eq!(found, expected);
}

/// Two jobs of equal length: `spn` cannot know that the burst of B will be short until it was.
#[test]
fn spn_does_not_know_the_next_burst() {
    let jobs = jobs("A:0:6,io1,6 B:0:1,io1,11");
    let order = units(&jobs, &timeline("spn", &jobs));
    assert!(order.starts_with("AAAAAAB"), "{order}");
}
