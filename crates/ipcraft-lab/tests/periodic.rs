//! Periodic tasks on real processes.

use std::time::Duration;

use ipcraft_lab::schedule::Time;
use ipcraft_lab::schedule::dispatch::{Clock, Options, RunError, Way};
use ipcraft_lab::schedule::periodic::{Kernel, dispatched, under_linux};
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::realtime::{Run, Task, parse};

/// A unit of CPU time: other load on the core makes no deadline pass.
const SERVICE: Options = Options {
    way: Way::Signals,
    clock: Clock::Service,
    unit: Duration::from_millis(2),
    cpu: None,
    explained: false,
};

const FIVE_MS: Options = Options { unit: Duration::from_millis(5), ..SERVICE };

fn misses(run: &Run, task: usize) -> usize {
    run.misses(task).count()
}

fn tasks() -> Vec<Task> {
    parse("2/5,4/7").unwrap()
}

#[test]
fn rate_monotonic_misses_and_earliest_deadline_first_does_not() {
    let length = Time::units(35);
    let rm = dispatched(&tasks(), &Spec::Rm, length, &SERVICE).unwrap();
    assert_eq!(misses(&rm, 0), 0, "{:?}", rm.instances);
    assert!(misses(&rm, 1) > 0, "{:?}", rm.instances);
    let edf = dispatched(&tasks(), &Spec::Edf, length, &SERVICE).unwrap();
    assert_eq!((misses(&edf, 0), misses(&edf, 1)), (0, 0), "{:?}", edf.instances);
    assert_eq!(edf.instances.len(), 12);
}

#[test]
fn overload_misses_by_every_policy() {
    let tasks = parse("3/5,4/7").unwrap();
    for policy in [Spec::Rm, Spec::Edf] {
        let run = dispatched(&tasks, &policy, Time::units(35), &SERVICE).unwrap();
        assert!(misses(&run, 1) > 0, "{policy}: {:?}", run.instances);
    }
}

#[test]
fn kernel_runs_every_instance_or_names_the_right() {
    match under_linux(&tasks(), Kernel::Deadline, Time::units(35), &FIVE_MS) {
        Err(RunError::Refused(reason)) => {
            assert!(reason.contains("SCHED_DEADLINE"), "{reason}");
            eprintln!("skipped: linux:deadline: {reason}");
        }
        run => {
            let run = run.unwrap();
            assert!(run.instances.iter().all(|instance| instance.end.is_some()), "{:?}", run.instances);
            println!("{:?}", [misses(&run, 0), misses(&run, 1)]);
        }
    }
}

/// B misses at 7: A preempts it at 5. The host can take the core, but not always.
#[test]
fn static_priorities_miss_as_rate_monotonic_does_or_name_the_right() {
    let mut runs = Vec::new();
    for _ in 0..5 {
        let run = match under_linux(&tasks(), Kernel::RateMonotonic, Time::units(35), &FIVE_MS) {
            Err(RunError::Refused(reason)) => {
                assert!(reason.contains("SCHED_FIFO"), "{reason}");
                eprintln!("skipped: linux:rm: {reason}");
                return;
            }
            run => run.unwrap(),
        };
        let first = run.misses(1).next().map(|instance| instance.deadline);
        let a_runs_in_turn = misses(&run, 0) == 0 && run.preemptions >= 4;
        if first == Some(Time::units(7)) && a_runs_in_turn {
            return;
        }
        runs.push((run.preemptions, run.instances));
    }
    panic!("{runs:?}");
}

#[test]
fn tasks_with_slack_meet_all_deadlines_by_static_priorities() {
    let tasks = parse("5/30,10/40,5/50").unwrap();
    let options = Options { unit: Duration::from_millis(1), ..SERVICE };
    let lateness =
        (0..5).map_while(|_| match under_linux(&tasks, Kernel::RateMonotonic, Time::units(600), &options) {
            Err(RunError::Refused(reason)) => {
                eprintln!("skipped: linux:rm: {reason}");
                None
            }
            run => Some((0..3).map(|task| misses(run.as_ref().unwrap(), task)).sum::<usize>()),
        });
    let counts: Vec<usize> = lateness.take_while(|&missed| missed > 0).collect();
    assert!(counts.len() < 5, "{counts:?}");
}

#[test]
fn too_many_instances_are_refused() {
    let error = dispatched(&tasks(), &Spec::Rm, Time::units(10_000), &SERVICE).unwrap_err();
    assert!(matches!(error, RunError::TooManyJobs(_)), "{error}");
}
