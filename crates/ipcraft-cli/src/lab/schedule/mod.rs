//! `ipcraft lab schedule`: jobs scheduled by a policy.

mod arguments;
pub(super) mod chart;
mod compare;
pub(super) mod figures;
mod listing;
mod svg;
mod trace;
mod why;

use std::io::{self, IsTerminal};
use std::path::Path;

use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::{Job, Metrics, Timeline, ideal};
use ipcraft_report::ResultFile;
use ipcraft_report::output::Page;
use serde::Serialize;

pub(super) use arguments::Schedule;

use super::{Failure, Outcome};

/// The width of a page that is no terminal.
const WIDTH: usize = 80;

/// One policy on the jobs.
#[derive(Serialize)]
struct Scheduled {
    policy: Spec,
    title: String,
    ideal: Run,
}

/// One schedule, ideal or real.
#[derive(Serialize)]
pub(super) struct Run {
    pub(super) timeline: Timeline,
    pub(super) metrics: Metrics,
}

#[derive(Serialize)]
struct Results<'a> {
    jobs: &'a [Job],
    schedules: &'a [Scheduled],
}

pub(super) fn outcome(schedule: &Schedule) -> Result<Outcome, Failure> {
    if schedule.list {
        return Ok(Outcome::new(listing::text(), &listing::results(), Vec::new())?);
    }
    let jobs = schedule.jobs()?;
    let policies = schedule.policies(&jobs)?;
    // Checked first, so that an unusable path fails before the schedule.
    let svg = schedule.svg.as_deref().map(ResultFile::at).transpose()?;
    let trace = schedule.trace.as_deref().map(ResultFile::at).transpose()?;
    let schedules: Vec<Scheduled> =
        policies.iter().map(|policy| scheduled(&jobs, policy, schedule.why)).collect::<Result<_, _>>()?;
    let mut text = text(&jobs, &schedules, schedule);
    if let Some(file) = svg {
        file.save(svg::document(&jobs, &schedules).as_bytes())?;
        text += &written(schedule.svg.as_deref(), "open it in a browser");
    }
    if let Some(file) = trace {
        file.save(&trace::document(&jobs, &schedules)?)?;
        text += &written(schedule.trace.as_deref(), "open it at https://ui.perfetto.dev");
    }
    Ok(Outcome::new(text, &Results { jobs: &jobs, schedules: &schedules }, Vec::new())?)
}

fn scheduled(jobs: &[Job], policy: &Spec, why: bool) -> Result<Scheduled, Failure> {
    let timeline = ideal::run(jobs, &mut *policy.policy(), why);
    let timeline = timeline.map_err(|error| Failure::Usage(format!("{policy}: {error}")))?;
    let metrics = Metrics::of(jobs, &timeline);
    Ok(Scheduled { policy: policy.clone(), title: policy.title(), ideal: Run { timeline, metrics } })
}

fn text(jobs: &[Job], schedules: &[Scheduled], schedule: &Schedule) -> String {
    let page = chart::Canvas::of_stdout();
    let mut parts = vec![figures::jobs_line(jobs, page.width)];
    for scheduled in schedules {
        let run = &scheduled.ideal;
        let mut part = format!("{}: {}\n", scheduled.policy, scheduled.title);
        part += &chart::text(&chart::rows(jobs, &[("", &run.timeline)]), page);
        if schedule.why {
            part += &why::text(jobs, &run.timeline);
        }
        if schedules.len() == 1 {
            part += &figures::table(jobs, &[("", &run.metrics)]);
        }
        parts.push(part);
    }
    if schedules.len() > 1 {
        parts.push(compare::table(schedules));
    }
    parts.push(figures::definitions(jobs));
    parts.join("\n")
}

fn written(path: Option<&Path>, hint: &str) -> String {
    path.map(|path| format!("written: {} ({hint})\n", path.display())).unwrap_or_default()
}

impl chart::Canvas {
    /// Returns what standard output can show.
    pub(super) fn of_stdout() -> chart::Canvas {
        let page = Page::of_stdout();
        let width = if io::stdout().is_terminal() { page.width } else { WIDTH };
        chart::Canvas::new(width, page.style.unicode)
    }
}
