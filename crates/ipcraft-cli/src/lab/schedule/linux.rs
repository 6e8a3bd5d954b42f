//! The same jobs under Linux's own policies.

use std::fmt::Write as _;

use ipcraft_lab::Skipped;
use ipcraft_lab::schedule::dispatch::{Options, RunError};
use ipcraft_lab::schedule::linux::{self, FORMS, Kind, LinuxRun};
use ipcraft_lab::schedule::{Job, Time};
use serde::Serialize;

use super::super::{Failure, table};
use super::chart::{self, Canvas};
use super::real::{failure, is_left_out};

/// One of Linux's policies on the jobs.
#[derive(Serialize)]
pub(super) struct UnderLinux {
    pub(super) policy: String,
    pub(super) title: &'static str,
    pub(super) real: LinuxRun,
}

/// Runs the jobs. What this machine does not permit is skipped.
pub(super) fn run(
    jobs: &[Job],
    kind: Kind,
    options: &Options,
) -> Result<Result<UnderLinux, Skipped>, Failure> {
    let policy = kind.to_string();
    match linux::run(jobs, kind, options) {
        Ok(real) => Ok(Ok(UnderLinux { title: title(&policy), policy, real })),
        Err(RunError::Jobs(problem)) => Err(Failure::Usage(format!("{policy}: {problem}"))),
        Err(error) if is_left_out(&error) => {
            Ok(Err(Skipped { experiment: policy, needs: error.to_string() }))
        }
        Err(error) => Err(failure(error)),
    }
}

/// Returns the description of a policy.
fn title(policy: &str) -> &'static str {
    let name = |text: &str| text.split('=').next().map(str::to_owned);
    FORMS.iter().find(|(form, _)| name(form) == name(policy)).map_or("", |(_, description)| description)
}

/// Draws what happened, beside the ends and shares of the model.
pub(super) fn text(jobs: &[Job], under: &UnderLinux, canvas: Canvas) -> String {
    let run = &under.real;
    let mut text = format!("{}: {}\n", under.policy, under.title);
    text += &chart::text(&chart::rows(jobs, &[("real", &run.timeline)]), canvas);
    let rank = if run.group_weight.is_some() { "tickets" } else { "priority" };
    let mut rows = table(&["job", "arrival", "length", rank, "model end", "end", "model share", "share"]);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let shown = |time: Time| time.rounded().to_string();
    for (id, job) in jobs.iter().enumerate() {
        rows.add_row([
            job.name.clone(),
            job.arrival.to_string(),
            job.length().to_string(),
            if run.group_weight.is_some() { job.tickets.to_string() } else { job.priority.to_string() },
            run.model_ends.as_ref().map_or("-".into(), |ends| shown(ends[id])),
            run.timeline.ends[id].map_or("-".into(), shown),
            run.model_shares.as_ref().map_or("-".into(), |shares| percent(shares[id])),
            percent(run.shares[id]),
        ]);
    }
    let _ = writeln!(text, "{}", rows.trim_fmt());
    if let Some(quantum) = run.quantum {
        let _ = writeln!(text, "the kernel's quantum: {quantum:?}");
    }
    if let Some(weight) = run.group_weight {
        let (file, times) = (weight.file, weight.per_ticket);
        let _ = writeln!(text, "each job has a control group; its {file} is {times} for each ticket");
    }
    text + "share: of the CPU time from the last arrival to the first end\n"
}
