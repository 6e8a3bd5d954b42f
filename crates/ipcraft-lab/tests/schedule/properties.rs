//! What holds for every set of jobs, tried on random ones.

use ipcraft_lab::schedule::random::Random;
use ipcraft_lab::schedule::{Burst, Job, Metrics, Time, Timeline, What};

use super::support::{metrics, random_jobs, timeline};

const POLICIES: &[&str] = &[
    "fcfs",
    "sjf",
    "srtn",
    "rr:1",
    "rr:3",
    "rr:0.7",
    "priority",
    "priority:low,ageing",
    "priority:rr=2",
    "multilevel:1,2,4,8",
    "multilevel:2,2,demote=if-others",
    "multilevel:1,2,4,ostep",
    "spn",
    "guaranteed",
    "lottery@5",
    "fair:2,1",
    "rm",
    "edf",
    "stride:2",
    "hrrn",
];

const ROUNDS: usize = 200;

/// Returns the least average turnaround of all orders without preemption, and that order. The CPU
/// is never left idle while a job is there.
pub(crate) fn best_order(jobs: &[Job]) -> (f64, Vec<usize>) {
    let mut best = (f64::INFINITY, Vec::new());
    permute(&mut (0..jobs.len()).collect::<Vec<_>>(), 0, &mut |order| {
        let mut now = Time::ZERO;
        let mut sum = Time::ZERO;
        for (place, &job) in order.iter().enumerate() {
            let is_here = |&other: &usize| jobs[other].arrival <= now;
            if !is_here(&job) && order[place..].iter().any(is_here) {
                return;
            }
            now = now.max(jobs[job].arrival) + jobs[job].length();
            sum += now - jobs[job].arrival;
        }
        let average = sum.as_units() / jobs.len() as f64;
        if average < best.0 {
            best = (average, order.to_vec());
        }
    });
    best
}

fn permute(order: &mut [usize], from: usize, visit: &mut impl FnMut(&[usize])) {
    if from == order.len() {
        visit(order);
    }
    for other in from..order.len() {
        // Rotating keeps the orders sorted, so that the first of equals is found.
        order[from..=other].rotate_right(1);
        permute(order, from + 1, visit);
        order[from..=other].rotate_left(1);
    }
}

/// Returns random jobs with I/O, priorities, owners, tickets, periods and deadlines.
fn mixed_jobs(random: &mut Random) -> Vec<Job> {
    let mut jobs = random_jobs(random, 7, 12);
    for job in &mut jobs {
        for _ in 0..random.below(3) {
            let io = Time::units(random.between(1, 4));
            let tenths = Time::from_ticks(random.between(1, 60) * 1_000);
            job.bursts.extend([Burst::Io(io), Burst::Compute(tenths)]);
        }
        job.priority = random.below(4).cast_signed();
        job.owner = format!("u{}", random.below(3));
        job.tickets = random.between(1, 5);
        job.period = Some(Time::units(random.between(5, 20)));
        job.deadline = job.period;
    }
    jobs
}

fn check(jobs: &[Job], timeline: &Timeline, metrics: &Metrics, policy: &str) {
    let running: Vec<_> = timeline.running().collect();
    for pair in running.windows(2) {
        assert!(pair[0].to <= pair[1].from, "{policy}: overlap {pair:?}");
    }
    for (id, job) in jobs.iter().enumerate() {
        let found = &metrics.jobs[id];
        assert_eq!(found.service, job.length(), "{policy}: service of {job:?}");
        assert_eq!(found.blocked, job.blocked(), "{policy}: I/O of {job:?}");
        assert!(found.response.unwrap() <= found.waiting.unwrap(), "{policy}: {found:?}");
        let first = running.iter().find(|segment| segment.job == id).unwrap();
        assert!(first.from >= job.arrival, "{policy}: {job:?} runs before it arrives");
    }
    for segment in timeline.segments.iter().filter(|segment| segment.what == What::Blocked) {
        let overlaps = |other: &&&_| {
            let other: &ipcraft_lab::schedule::Segment = other;
            other.job == segment.job && other.from < segment.to && segment.from < other.to
        };
        assert!(!running.iter().any(|other| overlaps(&other)), "{policy}: runs while blocked");
    }
    check_work_conserving(jobs, timeline, &running, policy);
}

/// While the CPU is idle, every job has ended, is blocked, or has not arrived.
fn check_work_conserving(
    jobs: &[Job],
    timeline: &Timeline,
    running: &[&ipcraft_lab::schedule::Segment],
    policy: &str,
) {
    let gaps = running.windows(2).map(|pair| (pair[0].to, pair[1].from));
    let start = [(Time::ZERO, running[0].from)];
    for (from, to) in start.into_iter().chain(gaps).filter(|(from, to)| from < to) {
        for (id, job) in jobs.iter().enumerate() {
            let is_blocked = timeline.segments.iter().any(|segment| {
                segment.job == id && segment.what == What::Blocked && segment.from <= from && to <= segment.to
            });
            let is_absent = job.arrival >= to || timeline.ends[id].unwrap() <= from;
            // I/O may also begin before the gap and end within it only if the job then runs.
            assert!(is_blocked || is_absent, "{policy}: idle from {from} to {to}, {job:?} is ready");
        }
    }
}

#[test]
fn every_policy_conserves_service_and_work_without_overlap() {
    let mut random = Random::new(1);
    for _ in 0..ROUNDS {
        let jobs = mixed_jobs(&mut random);
        for policy in POLICIES {
            let timeline = timeline(policy, &jobs);
            check(&jobs, &timeline, &Metrics::of(&jobs, &timeline), policy);
        }
    }
}

#[test]
fn sjf_has_the_least_turnaround_of_all_orders_if_all_arrive_together() {
    let mut random = Random::new(2);
    for _ in 0..ROUNDS {
        let jobs = random_jobs(&mut random, 7, 0);
        let found = metrics("sjf", &jobs).turnaround;
        assert!((found - best_order(&jobs).0).abs() < 1e-9, "{jobs:?}");
    }
}

#[test]
fn srtn_has_the_least_turnaround_of_all_policies() {
    let mut random = Random::new(3);
    for _ in 0..ROUNDS {
        let jobs = random_jobs(&mut random, 8, 20);
        let least = metrics("srtn", &jobs).turnaround;
        for policy in POLICIES {
            assert!(least <= metrics(policy, &jobs).turnaround + 1e-9, "{policy}: {jobs:?}");
        }
    }
}

#[test]
fn policies_that_are_one_rule_give_one_schedule() {
    let mut random = Random::new(4);
    for _ in 0..ROUNDS {
        let mut jobs = mixed_jobs(&mut random);
        for job in &mut jobs {
            job.priority = 3;
        }
        for (one, other) in [
            ("rr:1000000", "fcfs"),
            ("priority", "fcfs"),
            ("priority:low", "fcfs"),
            ("priority:rr=2", "rr:2"),
        ] {
            assert_eq!(timeline(one, &jobs).segments, timeline(other, &jobs).segments, "{one} {other}");
        }
        // With one class, a quantum that I/O interrupts continues; without I/O it is round robin.
        let plain = random_jobs(&mut random, 7, 12);
        assert_eq!(timeline("multilevel:2", &plain), timeline("rr:2", &plain));
        assert_eq!(timeline("priority:rr=2", &plain), timeline("rr:2", &plain));
    }
}

#[test]
fn round_robin_answers_within_a_round() {
    let mut random = Random::new(5);
    for _ in 0..ROUNDS {
        let jobs = random_jobs(&mut random, 8, 0);
        for quantum in 1..=4 {
            let most = Time::units(quantum * (jobs.len() as u64 - 1));
            for job in metrics(&format!("rr:{quantum}"), &jobs).jobs {
                assert!(job.response.unwrap() <= most, "{jobs:?}");
            }
        }
    }
}

#[test]
fn fairness_is_best_with_short_turns_and_worst_with_one_job_after_the_other() {
    let jobs = super::support::jobs("50,50,50");
    let fine = metrics("rr:0.1", &jobs).fairness;
    let coarse = metrics("fcfs", &jobs).fairness;
    assert!(fine.jain > 0.999 && fine.worst_gap < 0.1, "{fine:?}");
    // Rates 1, 1/2 and 1/3: (11/6)² / (3 · 49/36).
    assert!((coarse.jain - 121.0 / 147.0).abs() < 1e-9, "{coarse:?}");
    // When the last job starts, at 100, it was entitled to 1/3 of 50 units and 1/2 of 50.
    assert!((coarse.worst_gap - (50.0 / 3.0 + 25.0)).abs() < 1e-9, "{coarse:?}");
}

#[test]
fn stride_keeps_each_job_within_a_quantum_of_its_share() {
    let jobs = super::support::jobs("A:0:100:tickets=3 B:0:100:tickets=2 C:0:100:tickets=1");
    assert!(metrics("stride", &jobs).fairness.worst_gap <= 1.5, "{:?}", metrics("stride", &jobs).fairness);
    assert!(metrics("rr:1", &jobs).fairness.worst_gap > 10.0);
}
