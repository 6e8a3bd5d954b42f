//! The same jobs as real processes.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use ipcraft_lab::Skipped;
use ipcraft_lab::schedule::dispatch::{self, Agreement, Clock, Options, Run, RunError, Way};
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::{Job, Metrics, Timeline};

use super::super::Failure;
use super::figures::counted;

/// Runs the jobs by the policy. What this machine or the set of jobs does not permit is skipped.
pub(super) fn run(jobs: &[Job], policy: &Spec, options: &Options) -> Result<Result<Run, Skipped>, Failure> {
    match dispatch::run(jobs, &mut *policy.policy(), options) {
        Ok(run) => Ok(Ok(run)),
        Err(error) if is_left_out(&error) => {
            let experiment = format!("real run of {policy}");
            Ok(Err(Skipped { experiment, needs: error.to_string() }))
        }
        Err(error) => Err(failure(error)),
    }
}

/// Returns whether a run is too large, or needs a right: it is skipped.
pub(in super::super) fn is_left_out(error: &RunError) -> bool {
    matches!(error, RunError::TooManyJobs(_) | RunError::TooLong(_) | RunError::Refused(_))
}

/// Returns the failure of a run that is not left out.
pub(in super::super) fn failure(error: RunError) -> Failure {
    match error {
        RunError::Unit(_) | RunError::Core(..) => Failure::Usage(error.to_string()),
        error => Failure::Output(io::Error::other(error)),
    }
}

/// A real run that has less than this share of the ideal CPU use was disturbed.
const SHARED: f64 = 0.8;

/// Describes how a run was done, and how it compares with the ideal.
pub(super) fn text(run: &Run, ideal: &Timeline, jobs: &[Job], options: &Options) -> String {
    let ideal_use = Metrics::of(jobs, ideal).cpu_use;
    let mut text = agreement(&Agreement::of(ideal, &run.timeline), jobs, ideal, run);
    let way = way(run.way);
    let clock = match run.clock {
        Clock::Wall => "wall clock",
        Clock::Service => "service clock",
    };
    let _ = writeln!(
        text,
        "real: core {}, dispatched by {way} from core {}; {clock}; 1 unit = {:?}",
        run.cpu, run.dispatcher_cpu, options.unit
    );
    if let Some(cost) = run.switch_ns {
        let switches = run.metrics.switches;
        let makespan = run.metrics.makespan.as_units() * options.unit.as_nanos() as f64;
        let share = cost as f64 * switches as f64 * 100.0 / makespan.max(1.0);
        let _ = writeln!(
            text,
            "real: {}, {} each at the median, {share:.2} % of the time",
            counted(switches, "switch", "switches"),
            micros(cost)
        );
    }
    if run.metrics.cpu_use < ideal_use * SHARED {
        text += "real: other processes used the core, too; --clock service leaves their time out\n";
    }
    for (job, report) in jobs.iter().zip(&run.jobs) {
        if let Some(death) = &report.died {
            let _ = writeln!(text, "real: {}: {death}", job.name);
        }
    }
    if run.interferences > 0 {
        let _ = writeln!(text, "real: another process stopped a job {} times", run.interferences);
    }
    text
}

/// Names a way to switch.
pub(super) fn way(way: Way) -> &'static str {
    match way {
        Way::Signals => "SIGSTOP and SIGCONT",
        Way::Priorities => "SCHED_FIFO priorities",
    }
}

fn agreement(agreement: &Agreement, jobs: &[Job], ideal: &Timeline, run: &Run) -> String {
    let Some(at) = agreement.first_difference else {
        return format!("same order as the ideal schedule in all {} decisions\n", agreement.real);
    };
    let name = |timeline: &Timeline| {
        let dispatch = timeline.dispatches.get(at);
        dispatch.map_or("no job".to_owned(), |dispatch| jobs[dispatch.job].name.clone())
    };
    format!(
        "order differs from the ideal schedule at decision {}: real {}, ideal {}\n",
        at + 1,
        name(&run.timeline),
        name(ideal)
    )
}

pub(super) fn micros(ns: u64) -> String {
    format!("{:.0} us", ns as f64 / 1_000.0)
}

/// Reads a length of time such as `10ms`, `500us` or `1s`.
pub(in super::super) fn parse_unit(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let micros = match suffix {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        _ => return Err("write a number and us, ms or s, such as 10ms".into()),
    };
    let number: u64 =
        number.parse().map_err(|_| "write a number and us, ms or s, such as 10ms".to_owned())?;
    number.checked_mul(micros).map(Duration::from_micros).ok_or_else(|| "is too long".into())
}
