//! Linux's own policies against their models, by ratios: other load on the core takes from all
//! jobs alike.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ipcraft_lab::schedule::dispatch::{Options, RunError};
use ipcraft_lab::schedule::job::{parse, set_each, set_owner, set_priority, set_tickets};
use ipcraft_lab::schedule::linux::{Kind, LinuxRun, run};
use ipcraft_lab::schedule::{Job, Segment, What};

const UNIT: Duration = Duration::from_millis(5);
/// The largest difference of a share from that of the model.
const TOLERANCE: f64 = 0.05;

fn jobs(text: &str, priorities: &str) -> Vec<Job> {
    let mut jobs = parse(text).unwrap();
    set_each(&mut jobs, "priorities", priorities, set_priority).unwrap();
    jobs
}

/// All runs share one core, and the tests run in parallel.
static CORE: Mutex<()> = Mutex::new(());

/// Returns `None` if this machine does not permit the policy.
fn try_run(jobs: &[Job], kind: &str) -> Option<LinuxRun> {
    let _core = CORE.lock().unwrap_or_else(PoisonError::into_inner);
    let kind: Kind = kind.parse().unwrap();
    match run(jobs, kind, &Options { unit: UNIT, ..Options::default() }) {
        Err(RunError::Refused(reason)) => {
            eprintln!("skipped: {kind}: {reason}");
            None
        }
        other => Some(other.unwrap()),
    }
}

/// Runs up to five times: other load can spoil a measurement, but not always.
fn expect(jobs: &[Job], kind: &str, is_right: impl Fn(&LinuxRun) -> bool) {
    for _ in 0..5 {
        match try_run(jobs, kind) {
            None => return,
            Some(run) if is_right(&run) => {
                println!("{kind}: {:?} of {:?}", run.shares, run.model_shares);
                return;
            }
            Some(run) => {
                println!("{kind}: {:?} of {:?}, {:?}", run.shares, run.model_shares, run.timeline.ends);
            }
        }
    }
    panic!("{kind}: not in five runs");
}

fn shares_match(run: &LinuxRun) -> bool {
    let model = run.model_shares.as_ref().unwrap();
    run.shares.iter().zip(model).all(|(got, expected)| (got - expected).abs() < TOLERANCE)
}

#[test]
fn nice_values_share_the_core_by_their_weights() {
    // The second job gets less, and so ends later than the window that is measured.
    for (nice, second) in [(0, "200"), (1, "200"), (5, "100"), (10, "50"), (19, "20")] {
        let jobs = jobs(&format!("200,{second}"), &format!("0,{nice}"));
        expect(&jobs, "linux:other", shares_match);
    }
}

#[test]
fn batch_idle_and_own_slices_share_by_their_weights() {
    expect(&jobs("150,100", "0,5"), "linux:batch", shares_match);
    expect(&jobs("200,20", "0,1"), "linux:idle", shares_match);
    for slice in ["linux:slice=100us", "linux:slice=3ms", "linux:slice=100ms"] {
        expect(&jobs("200,100", "0,5"), slice, shares_match);
    }
}

#[test]
fn short_slices_switch_more_often_than_long_ones() {
    let jobs = jobs("100,100", "0,0");
    for _ in 0..5 {
        let runs = (try_run(&jobs, "linux:slice=100us"), try_run(&jobs, "linux:slice=100ms"));
        let (Some(short), Some(long)) = runs else { return };
        // Other processes on the core also end slices.
        if short.metrics.cpu_use < 0.95 || long.metrics.cpu_use < 0.95 {
            eprintln!("skipped: needs a core without other load");
            return;
        }
        let (short, long) = (short.metrics.switches, long.metrics.switches);
        println!("{short} switches with 100 us, {long} with 100 ms");
        if short > 2 * long {
            return;
        }
    }
    panic!("the slice has no effect");
}

#[test]
fn sessions_share_the_core_and_not_their_jobs() {
    let mut jobs = parse("30,30,30,100").unwrap();
    set_each(&mut jobs, "owners", "a,a,a,b", set_owner).unwrap();
    expect(&jobs, "linux:autogroup", shares_match);
}

#[test]
fn control_groups_share_the_core_by_their_weights() {
    for (tickets, lengths) in
        [("1,1", "100,100"), ("2,1", "200,110"), ("100,1", "300,20"), ("3,2,1", "180,130,70")]
    {
        let mut jobs = parse(lengths).unwrap();
        set_each(&mut jobs, "tickets", tickets, set_tickets).unwrap();
        expect(&jobs, "linux:weight", shares_match);
    }
}

#[test]
fn fifo_runs_to_the_end_and_round_robin_takes_turns() {
    // Two jobs of 150 ms; the quantum of SCHED_RR is 100 ms by default.
    let jobs = jobs("30,30", "1,1");
    let in_order = |run: &LinuxRun| {
        let (ends, model) = (&run.timeline.ends, run.model_ends.as_ref().unwrap());
        let is_ordered = ends[0].unwrap() < ends[1].unwrap();
        is_ordered && model[0] < model[1] && run.jobs.iter().all(|job| job.died.is_none())
    };
    // A job that is ahead has a run without the other in between.
    expect(&jobs, "linux:fifo", |run| in_order(run) && run.metrics.switches == 1);
    expect(&jobs, "linux:rr", |run| in_order(run) && run.metrics.switches == 3);
}

#[test]
fn fifo_prefers_the_higher_priority() {
    let jobs = jobs("20,20@2", "1,5");
    expect(&jobs, "linux:fifo", |run| run.timeline.ends[1].unwrap() < run.timeline.ends[0].unwrap());
}

/// Returns the part of the time of A's I/O in which B runs, and that in which A does.
fn use_of_io(run: &LinuxRun) -> (f64, f64) {
    let segments = &run.timeline.segments;
    let blocked: Vec<_> = segments.iter().filter(|segment| segment.what == What::Blocked).collect();
    let total: f64 = blocked.iter().map(|io| (io.to - io.from).as_units()).sum();
    let used = |job: usize| {
        let runs = segments.iter().filter(|segment| segment.job == job && segment.what == What::Running);
        let overlap = |run: &Segment| -> f64 {
            blocked.iter().map(|io| (run.to.min(io.to) - run.from.max(io.from)).as_units()).sum()
        };
        runs.map(overlap).sum::<f64>() / total
    };
    (used(1), used(0))
}

#[test]
fn job_blocked_in_io_leaves_the_core_to_the_others() {
    for kind in ["linux:other", "linux:batch", "linux:slice=3ms", "linux:weight", "linux:fifo", "linux:rr"] {
        let mut jobs = parse("A:0:10,io20,10,io20,10 B:0:100").unwrap();
        jobs[0].priority = if kind == "linux:fifo" { 2 } else { 0 };
        expect(&jobs, kind, |run| {
            let (other, own) = use_of_io(run);
            println!("{kind}: B runs in {other:.2} of the I/O of A, A in {own:.3}");
            let both_end = run.jobs.iter().all(|job| job.died.is_none());
            let blocked = run.metrics.jobs[0].blocked.as_units();
            // Other processes on the core also run meanwhile.
            both_end && other > 0.1 && own < 0.02 && (38.0..=40.0).contains(&blocked)
        });
    }
}

#[test]
fn end_of_a_job_with_io_is_near_that_of_the_model() {
    for kind in ["linux:other", "linux:fifo"] {
        let mut jobs = parse("A:0:10,io20,10 B:0:100").unwrap();
        jobs[0].priority = if kind == "linux:fifo" { 2 } else { 0 };
        expect(&jobs, kind, |run| {
            let model = run.model_ends.as_ref().unwrap();
            let near = |job: usize| {
                let end = run.timeline.ends[job].unwrap().as_units();
                (end / model[job].as_units() - 1.0).abs() < 0.1
            };
            let has_load = kind == "linux:other" && run.metrics.cpu_use < 0.95;
            if has_load {
                eprintln!("skipped: needs a core without other load");
            }
            has_load || near(0) && near(1)
        });
    }
}

#[test]
fn jobs_that_a_policy_cannot_run_are_refused_with_the_reason() {
    for (text, priorities, kind, part) in [
        ("3,3", "0,20", "linux:other", "from 0 to 19"),
        ("3,3", "0,-1", "linux:batch", "from 0 to 19"),
        ("3,3", "0,100", "linux:fifo", "from 0 to 99"),
        ("A:0:3:tickets=101", "0", "linux:weight", "tickets 101: from 1 to 100"),
    ] {
        let error = run(&jobs(text, priorities), kind.parse().unwrap(), &Options::default()).unwrap_err();
        assert!(matches!(error, RunError::Jobs(_)), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}
