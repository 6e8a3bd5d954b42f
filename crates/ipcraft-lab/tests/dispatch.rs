//! Policies on real processes, against the ideal schedule of the same jobs.

use std::time::Duration;

use ipcraft_bench::pin;
use ipcraft_lab::schedule::dispatch::{Agreement, Clock, Options, Run, Way, hash_chain, run};
use ipcraft_lab::schedule::job::parse;
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::sets::{self, Set};
use ipcraft_lab::schedule::{Job, Timeline, ideal};
use ipcraft_step::Child;

const SERVICE: Options = Options {
    way: Way::Signals,
    clock: Clock::Service,
    unit: Duration::from_millis(1),
    cpu: None,
    explained: false,
};
const MANY: usize = 20;

fn pair(policy: &Spec, jobs: &[Job], options: &Options) -> (Timeline, Run) {
    let ideal = ideal::run(jobs, &mut *policy.policy(), false).unwrap();
    let real = run(jobs, &mut *policy.policy(), options).unwrap();
    (ideal, real)
}

fn assert_same_order(set: &Set, options: &Options) -> Run {
    let (ideal, real) = pair(&set.policy(), &set.jobs(), options);
    let agreement = Agreement::of(&ideal, &real.timeline);
    assert!(
        agreement.is_same(),
        "{}: {agreement:?}\n{:?}\n{:?}",
        set.name,
        ideal.order(),
        real.timeline.order()
    );
    assert!(real.jobs.iter().all(|job| job.died.is_none()), "{}: {:?}", set.name, real.jobs);
    real
}

/// Runs a check up to five times: other load can spoil a measurement, but not always.
fn some_time(check: impl Fn() -> Result<(), String>) {
    let failures: Vec<String> = (0..5).map_while(|_| check().err()).collect();
    assert!(failures.len() < 5, "{failures:#?}");
}

fn permits_priorities() -> bool {
    let jobs = parse("1").unwrap();
    let tried = run(&jobs, &mut *Spec::Fcfs.policy(), &Options { way: Way::Priorities, ..SERVICE });
    if let Err(error) = &tried {
        assert!(error.to_string().contains("CAP_SYS_NICE"), "{error}");
        eprintln!("skipped: priorities: {error}");
    }
    tried.is_ok()
}

/// All sets once; 20 times with `IPCRAFT_STRESS=full`.
#[test]
fn service_clock_dispatches_every_set_as_the_ideal_does() {
    let rounds = if std::env::var_os("IPCRAFT_STRESS").is_some() { MANY } else { 1 };
    for set in sets::all() {
        for _ in 0..rounds {
            assert_same_order(set, &SERVICE);
        }
    }
}

#[test]
fn service_clock_dispatches_one_set_twenty_times_alike() {
    let set = sets::find("silberschatz-rr").unwrap();
    for _ in 0..MANY {
        assert_same_order(set, &SERVICE);
    }
}

#[test]
fn service_clock_beside_a_hog_on_the_same_core_dispatches_as_the_ideal_does() {
    let set = sets::find("silberschatz-srtf").unwrap();
    let cpu = assert_same_order(set, &SERVICE).cpu;
    let _hog = Child::start(|| {
        pin(cpu);
        loop {
            std::hint::spin_loop();
        }
    });
    for _ in 0..MANY {
        assert_same_order(set, &Options { cpu: Some(cpu), ..SERVICE });
    }
}

#[test]
fn priorities_dispatch_as_the_ideal_does() {
    if permits_priorities() {
        for set in sets::all() {
            assert_same_order(set, &Options { way: Way::Priorities, ..SERVICE });
        }
    }
}

#[test]
fn jobs_use_their_length_and_compute_the_reported_chain() {
    let jobs = parse("A:0:10,io5,5 B:3:8 C:4:2").unwrap();
    for clock in [Clock::Service, Clock::Wall] {
        some_time(|| {
            let options = Options { clock, ..SERVICE };
            let (_, real) = pair(&"rr:2".parse().unwrap(), &jobs, &options);
            for job in &real.jobs {
                assert_eq!(job.hash, hash_chain(job.iterations));
                let ratio = job.cpu_ns as f64 / job.length_ns as f64;
                if !(0.98..1.02).contains(&ratio) {
                    return Err(format!("{clock:?}: {:?}", real.jobs));
                }
            }
            Ok(())
        });
    }
}

#[test]
fn records_agree_with_the_cpu_clock_and_do_not_overlap() {
    let jobs = parse("12,9,6").unwrap();
    some_time(|| {
        let options = Options { unit: Duration::from_millis(5), ..SERVICE };
        let (_, real) = pair(&"rr:3".parse().unwrap(), &jobs, &options);
        assert_eq!(real.check.overlaps, 0, "{:?}", real.records);
        let lost: u64 = real.records.iter().map(|record| record.lost).sum();
        let is_close = real.check.worst_deviation < 0.02 && lost == 0;
        if is_close { Ok(()) } else { Err(format!("{:?}", real.check)) }
    });
}

#[test]
fn wall_clock_blocks_for_real_and_is_never_faster_than_the_ideal() {
    let jobs = parse("A:0:6,io6,3 B:1:8,io4,2 C:2:3").unwrap();
    let options = Options { clock: Clock::Wall, unit: Duration::from_millis(5), ..SERVICE };
    let (ideal, real) = pair(&Spec::Fcfs, &jobs, &options);
    assert!(real.timeline.end() >= ideal.end(), "{} {}", real.timeline.end(), ideal.end());
    for (job, metrics) in jobs.iter().zip(&real.metrics.jobs) {
        assert!(metrics.blocked >= job.blocked(), "{metrics:?}");
        assert!(metrics.end.is_some());
    }
}
