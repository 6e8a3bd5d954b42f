//! `ipcraft lab schedule`: jobs scheduled by a policy.

pub(super) mod arguments;
pub(super) mod chart;
mod compare;
pub(super) mod figures;
mod linux;
mod listing;
mod quantum;
pub(super) mod real;
mod svg;
mod trace;
mod why;

use std::io::{self, IsTerminal};
use std::path::Path;

use ipcraft_lab::schedule::dispatch::{self, Agreement};
use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::{Job, Metrics, Timeline, ideal};
use ipcraft_report::ResultFile;
use ipcraft_report::output::Page;
use serde::Serialize;

use arguments::Chosen;
pub(super) use arguments::Schedule;
use linux::UnderLinux;

use super::{Failure, Outcome};

/// The width of a page that is no terminal.
const WIDTH: usize = 80;

/// One policy on the jobs.
#[derive(Serialize)]
struct Scheduled {
    policy: Spec,
    title: String,
    ideal: Ideal,
    /// Null if only the ideal was computed, or the real run was skipped.
    real: Option<dispatch::Run>,
    /// Whether both decided alike.
    agreement: Option<Agreement>,
}

/// The exact schedule.
#[derive(Serialize)]
struct Ideal {
    timeline: Timeline,
    metrics: Metrics,
}

impl Scheduled {
    /// Returns the schedules with their labels, which are empty if there is only one.
    fn timelines(&self) -> Vec<(&'static str, &Timeline)> {
        match &self.real {
            Some(real) => vec![("ideal", &self.ideal.timeline), ("real", &real.timeline)],
            None => vec![("", &self.ideal.timeline)],
        }
    }
}

#[derive(Serialize)]
struct Results<'a> {
    jobs: &'a [Job],
    schedules: &'a [Scheduled],
    /// The same jobs under Linux's own policies.
    linux: &'a [UnderLinux],
}

/// Schedules to be drawn together: the ideal and the real one of a policy.
struct Drawing<'a> {
    title: String,
    timelines: Vec<(&'static str, &'a Timeline)>,
}

fn drawings<'a>(schedules: &'a [Scheduled], linux: &'a [UnderLinux]) -> Vec<Drawing<'a>> {
    let textbook = schedules.iter().map(|scheduled| Drawing {
        title: format!("{}: {}", scheduled.policy, scheduled.title),
        timelines: scheduled.timelines(),
    });
    let linux = linux.iter().map(|under| Drawing {
        title: format!("{}: {}", under.policy, under.title),
        timelines: vec![("real", &under.real.timeline)],
    });
    textbook.chain(linux).collect()
}

pub(super) fn outcome(schedule: &Schedule) -> Result<Outcome, Failure> {
    if schedule.list {
        return Ok(Outcome::new(listing::text(), &listing::results(), Vec::new())?);
    }
    if schedule.quantum_sweep {
        return quantum::sweep(&schedule.options());
    }
    if schedule.cost {
        return quantum::cost(schedule.options().cpu);
    }
    let jobs = schedule.jobs()?;
    let policies = schedule.policies(&jobs)?;
    // Checked first, so that an unusable path fails before the schedule.
    let svg = schedule.svg.as_deref().map(ResultFile::at).transpose()?;
    let trace = schedule.trace.as_deref().map(ResultFile::at).transpose()?;
    let options = schedule.options();
    let mut skipped = Vec::new();
    let (mut schedules, mut linux) = (Vec::new(), Vec::new());
    for chosen in &policies {
        let policy = match chosen {
            Chosen::Textbook(policy) => policy,
            Chosen::Linux(kind) => {
                match linux::run(&jobs, *kind, &options)? {
                    Ok(under) => linux.push(under),
                    Err(refused) => skipped.push(refused),
                }
                continue;
            }
        };
        let mut scheduled = scheduled(&jobs, policy, schedule.why)?;
        if !schedule.ideal {
            match real::run(&jobs, policy, &options)? {
                Ok(run) => {
                    scheduled.agreement = Some(Agreement::of(&scheduled.ideal.timeline, &run.timeline));
                    scheduled.real = Some(run);
                }
                Err(refused) => skipped.push(refused),
            }
        }
        schedules.push(scheduled);
    }
    let mut text = text(&jobs, &schedules, &linux, schedule);
    let drawings = drawings(&schedules, &linux);
    if let Some(file) = svg {
        file.save(svg::document(&jobs, &drawings).as_bytes())?;
        text += &written(schedule.svg.as_deref(), "open it in a browser");
    }
    if let Some(file) = trace {
        file.save(&trace::document(&jobs, &drawings, options.unit)?)?;
        text += &written(schedule.trace.as_deref(), "open it at https://ui.perfetto.dev");
    }
    let results = Results { jobs: &jobs, schedules: &schedules, linux: &linux };
    Ok(Outcome::new(text, &results, skipped)?)
}

fn scheduled(jobs: &[Job], policy: &Spec, why: bool) -> Result<Scheduled, Failure> {
    let timeline = ideal::run(jobs, &mut *policy.policy(), why);
    let timeline = timeline.map_err(|error| Failure::Usage(format!("{policy}: {error}")))?;
    let metrics = Metrics::of(jobs, &timeline);
    Ok(Scheduled {
        policy: policy.clone(),
        title: policy.title(),
        ideal: Ideal { timeline, metrics },
        real: None,
        agreement: None,
    })
}

fn text(jobs: &[Job], schedules: &[Scheduled], linux: &[UnderLinux], schedule: &Schedule) -> String {
    let several = schedules.len() + linux.len() > 1;
    let page = chart::Canvas::of_stdout();
    let mut parts = vec![figures::jobs_line(jobs, page.width)];
    for scheduled in schedules {
        let mut part = format!("{}: {}\n", scheduled.policy, scheduled.title);
        part += &chart::text(&chart::rows(jobs, &scheduled.timelines()), page);
        if schedule.why {
            part += &why::text(jobs, &scheduled.ideal.timeline);
        }
        if !several {
            part += &figures::table(jobs, &scheduled.ideal.metrics, scheduled.real.as_ref());
        }
        if let Some(run) = &scheduled.real {
            part += &real::text(run, &scheduled.ideal.timeline, jobs, &schedule.options());
        }
        parts.push(part);
    }
    parts.extend(linux.iter().map(|under| linux::text(jobs, under, page)));
    if several {
        parts.push(compare::tables(schedules, linux));
    }
    // The table of a policy of Linux alone has none of these metrics.
    if several || !schedules.is_empty() {
        parts.push(figures::definitions(jobs));
    }
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
