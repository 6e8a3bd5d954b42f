//! `ipcraft lab realtime`: periodic tasks and their deadlines.

use std::fmt::Write as _;
use std::time::Duration;

use ipcraft_lab::Skipped;
use ipcraft_lab::schedule::dispatch::{Options, RunError};
use ipcraft_lab::schedule::periodic::Kernel;
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::realtime::{Analysis, Instance, Run, Task, parse, simulate};
use ipcraft_lab::schedule::{Time, periodic};
use serde::Serialize;

use super::schedule::arguments::ClockName;
use super::schedule::chart::{self, Canvas};
use super::schedule::figures::counted;
use super::schedule::real::{failure, is_left_out, parse_unit};
use super::{Failure, Outcome, table};

/// The most units that a chart shows of a longer run.
const CHARTED: u64 = 60;

#[derive(Debug, clap::Args)]
pub(crate) struct RealTime {
    /// Tasks: COMPUTE/PERIOD, or COMPUTE/PERIOD/DEADLINE with a deadline within the period
    #[arg(long, value_name = "TASK,…", default_value = "2/5,4/7")]
    tasks: String,

    /// Policies: rm (rate monotonic), edf (earliest deadline first), linux:rm, linux:deadline
    #[arg(long, value_name = "POLICY,…", default_value = "rm,edf")]
    policy: String,

    /// Compute the exact schedules only, and run no process
    #[arg(long)]
    ideal: bool,

    /// What counts as time in a real run
    #[arg(long, value_name = "CLOCK", default_value = "wall")]
    clock: ClockName,

    /// How long a unit is in a real run
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = parse_unit)]
    unit: Duration,
}

#[derive(Serialize)]
struct Results<'a> {
    tasks: &'a [Task],
    analysis: Analysis,
    schedules: Vec<Scheduled>,
    /// The tasks under policies of the kernel.
    linux: Vec<UnderLinux>,
}

#[derive(Serialize)]
struct UnderLinux {
    policy: &'static str,
    title: &'static str,
    real: Run,
}

#[derive(Serialize)]
struct Scheduled {
    policy: Spec,
    ideal: Run,
    /// Null if only the ideal was computed, or the real run was skipped.
    real: Option<Run>,
}

pub(super) fn outcome(arguments: &RealTime) -> Result<Outcome, Failure> {
    let tasks = parse(&arguments.tasks).map_err(|error| Failure::Usage(error.to_string()))?;
    let names: Vec<&str> = arguments.policy.split(',').collect();
    let (kernels, textbook): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| name.parse::<Kernel>().is_ok());
    let policies: Vec<Spec> = textbook.into_iter().map(policy).collect::<Result<_, _>>()?;
    if let Some(kernel) = kernels.first().filter(|_| arguments.ideal) {
        return Err(Failure::Usage(format!("{kernel} has no ideal schedule here: leave --ideal out")));
    }
    let analysis = Analysis::of(&tasks);
    let length = analysis.hyperperiod.unwrap_or(Time::units(u64::MAX));
    let options = arguments.options();
    let mut skipped = Vec::new();
    let mut schedules = Vec::new();
    for policy in policies {
        let ideal = simulate(&tasks, &mut *policy.policy(), length);
        let run = || periodic::dispatched(&tasks, &policy, ideal.length, &options);
        let real = if arguments.ideal { None } else { permitted(&policy.to_string(), run(), &mut skipped)? };
        schedules.push(Scheduled { policy, ideal, real });
    }
    let mut linux = Vec::new();
    for kernel in kernels.iter().filter_map(|name| name.parse::<Kernel>().ok()) {
        let run = periodic::under_linux(&tasks, kernel, length, &options);
        if let Some(real) = permitted(kernel.name(), run, &mut skipped)? {
            linux.push(UnderLinux { policy: kernel.name(), title: kernel.title(), real });
        }
    }
    let mut text = analysis_text(&tasks, &analysis);
    for scheduled in &schedules {
        text += &schedule_text(&tasks, &analysis, scheduled);
    }
    for under in &linux {
        let preemptions = counted(under.real.preemptions, "preemption", "preemptions");
        let _ = writeln!(text, "\n{}: {}; {preemptions}", under.policy, under.title);
        text += &real_text(&tasks, &under.real);
    }
    Ok(Outcome::new(text, &Results { tasks: &tasks, analysis, schedules, linux }, skipped)?)
}

impl RealTime {
    fn options(&self) -> Options {
        Options { clock: self.clock.into(), unit: self.unit, ..Options::default() }
    }
}

/// Returns the run, or notes why it is left out.
fn permitted(
    policy: &str,
    run: Result<Run, RunError>,
    skipped: &mut Vec<Skipped>,
) -> Result<Option<Run>, Failure> {
    match run {
        Ok(run) => Ok(Some(run)),
        Err(error) if is_left_out(&error) => {
            let experiment = format!("{policy} on real processes");
            skipped.push(Skipped { experiment, needs: error.to_string() });
            Ok(None)
        }
        Err(error) => Err(failure(error)),
    }
}

fn policy(text: &str) -> Result<Spec, Failure> {
    match text.parse() {
        Ok(spec @ (Spec::Rm | Spec::Edf)) => Ok(spec),
        _ => Err(Failure::Usage(format!(
            "{text:?} is no policy for periodic tasks: choose rm, edf, linux:rm, linux:deadline"
        ))),
    }
}

const LEGEND: &str = "\
U: utilisation, compute / period. A bound that is not met decides nothing: it is sufficient, not
necessary. An ideal instance that has not ended at its deadline is abandoned there, and a real one
continues.
";

fn analysis_text(tasks: &[Task], analysis: &Analysis) -> String {
    let mut rows = table(&["task", "compute", "period", "deadline", "U", "longest response by rm"]);
    for (task, response) in tasks.iter().zip(&analysis.responses) {
        rows.add_row([
            task.name.clone(),
            task.compute.to_string(),
            task.period.to_string(),
            task.deadline.to_string(),
            format!("{:.4}", task.compute.as_units() / task.period.as_units()),
            response.map_or_else(|| "misses its deadline".into(), |response| response.to_string()),
        ]);
    }
    let mut text = format!("{}\n\n", rows.trim_fmt());
    let mut tests = table(&["test", "value", "bound", "verdict"]);
    let (utilisation, bound) = (analysis.utilisation, analysis.liu_layland);
    tests.add_row(bound_row("rm, Liu and Layland", "sum of U =", utilisation, bound));
    tests.add_row(bound_row("rm, hyperbolic", "product of (U + 1) =", analysis.hyperbolic, 2.0));
    tests.add_row([
        "rm, exact response times".into(),
        "longest response".into(),
        "deadline".into(),
        verdict(analysis.rm()).to_owned(),
    ]);
    let edf = analysis.edf.map_or("not decided: a deadline is before the end of its period", verdict);
    tests.add_row(["edf".into(), format!("sum of U = {utilisation:.4}"), "1".into(), edf.to_owned()]);
    let _ = writeln!(text, "{}", tests.trim_fmt());
    text + LEGEND
}

/// Returns the row of a bound that is sufficient and not necessary.
fn bound_row(test: &str, name: &str, value: f64, bound: f64) -> [String; 4] {
    let verdict = if value <= bound { verdict(true) } else { "not decided" };
    [test.into(), format!("{name} {value:.4}"), format!("{bound:.4}"), verdict.into()]
}

fn verdict(meets: bool) -> &'static str {
    if meets { "meets all deadlines" } else { "misses deadlines" }
}

fn schedule_text(tasks: &[Task], analysis: &Analysis, scheduled: &Scheduled) -> String {
    let run = &scheduled.ideal;
    let whole = if analysis.hyperperiod == Some(run.length) { "then it repeats" } else { "the first part" };
    let mut text = format!(
        "\n{}: {}, {} units, {whole}; {}\n",
        scheduled.policy,
        scheduled.policy.title(),
        run.length.rounded(),
        counted(run.preemptions, "preemption", "preemptions")
    );
    text += &chart::text(&chart::task_rows(tasks, &beginning(run)), Canvas::of_stdout());
    text += &instances_text(tasks, run);
    if let Some(real) = &scheduled.real {
        text += &real_text(tasks, real);
    }
    text
}

/// Draws what happened on real processes.
fn real_text(tasks: &[Task], run: &Run) -> String {
    let chart = chart::text(&chart::task_rows(tasks, &beginning(run)), Canvas::of_stdout());
    let late = |instance: &Instance| instance.end.map(|end| end - instance.deadline);
    let worst = run.instances.iter().filter_map(late).max().unwrap_or_default();
    format!("real\n{chart}{}worst lateness: {}\n", instances_text(tasks, run), worst.rounded())
}

fn instances_text(tasks: &[Task], run: &Run) -> String {
    let mut rows = table(&["task", "instances", "missed", "first missed deadline", "longest response"]);
    for (id, task) in tasks.iter().enumerate() {
        let misses: Vec<Time> = run.misses(id).map(|instance| instance.deadline).collect();
        rows.add_row([
            task.name.clone(),
            run.instances.iter().filter(|instance| instance.task == id).count().to_string(),
            misses.len().to_string(),
            misses.first().map_or("-".into(), Time::to_string),
            run.worst_response(id).map_or("-".into(), |response| response.rounded().to_string()),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// Returns the part of a run that a chart shows.
fn beginning(run: &Run) -> Run {
    let end = run.length.min(Time::units(CHARTED));
    let mut part = run.clone();
    part.timeline.segments.retain(|segment| segment.from < end);
    for segment in &mut part.timeline.segments {
        segment.to = segment.to.min(end);
    }
    part.instances.retain(|instance| instance.deadline <= end);
    part
}
