//! `ipcraft lab realtime`: periodic tasks and their deadlines.

use std::fmt::Write as _;

use ipcraft_lab::schedule::Time;
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::realtime::{Analysis, Run, Task, parse, simulate};
use serde::Serialize;

use super::schedule::chart::{self, Canvas};
use super::schedule::figures::counted;
use super::{Failure, Outcome, table};

/// The most units that a chart shows of a longer run.
const CHARTED: u64 = 60;

#[derive(Debug, clap::Args)]
pub(crate) struct RealTime {
    /// Tasks: COMPUTE/PERIOD, or COMPUTE/PERIOD/DEADLINE with a deadline within the period
    #[arg(long, value_name = "TASK,…", default_value = "2/5,4/7")]
    tasks: String,

    /// Policies: rm (rate monotonic), edf (earliest deadline first)
    #[arg(long, value_name = "POLICY,…", default_value = "rm,edf")]
    policy: String,
}

#[derive(Serialize)]
struct Results<'a> {
    tasks: &'a [Task],
    analysis: Analysis,
    schedules: Vec<Scheduled>,
}

#[derive(Serialize)]
struct Scheduled {
    policy: Spec,
    ideal: Run,
}

pub(super) fn outcome(arguments: &RealTime) -> Result<Outcome, Failure> {
    let tasks = parse(&arguments.tasks).map_err(|error| Failure::Usage(error.to_string()))?;
    let policies: Vec<Spec> = arguments.policy.split(',').map(policy).collect::<Result<_, _>>()?;
    let analysis = Analysis::of(&tasks);
    let length = analysis.hyperperiod.unwrap_or(Time::units(u64::MAX));
    let scheduled =
        |policy: Spec| Scheduled { ideal: simulate(&tasks, &mut *policy.policy(), length), policy };
    let schedules: Vec<Scheduled> = policies.into_iter().map(scheduled).collect();
    let mut text = analysis_text(&tasks, &analysis);
    for scheduled in &schedules {
        text += &schedule_text(&tasks, &analysis, scheduled);
    }
    Ok(Outcome::new(text, &Results { tasks: &tasks, analysis, schedules }, Vec::new())?)
}

fn policy(text: &str) -> Result<Spec, Failure> {
    match text.parse() {
        Ok(spec @ (Spec::Rm | Spec::Edf)) => Ok(spec),
        _ => Err(Failure::Usage(format!("{text:?} is no policy for periodic tasks: choose rm, edf"))),
    }
}

const LEGEND: &str = "\
U: utilisation, compute / period. A bound that is not met decides nothing: it is sufficient, not
necessary. An instance that has not ended at its deadline is abandoned there.
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
    let mut rows = table(&["task", "instances", "missed", "first missed deadline", "longest response"]);
    for (id, task) in tasks.iter().enumerate() {
        let misses: Vec<Time> = run.misses(id).map(|instance| instance.deadline).collect();
        rows.add_row([
            task.name.clone(),
            run.instances.iter().filter(|instance| instance.task == id).count().to_string(),
            misses.len().to_string(),
            misses.first().map_or("-".into(), Time::to_string),
            run.worst_response(id).map_or("-".into(), |response| response.to_string()),
        ]);
    }
    text + &format!("{}\n", rows.trim_fmt())
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
