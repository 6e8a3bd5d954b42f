//! The metrics of a schedule as a table, and what they mean.

use std::fmt::Write as _;

use ipcraft_lab::schedule::dispatch;
use ipcraft_lab::schedule::metrics::JobMetrics;
use ipcraft_lab::schedule::{Burst, Job, Metrics, Time};

use super::super::table as new_table;

/// The most rows of a table.
const MAX_ROWS: usize = 40;

/// Describes the jobs in one line of at most `width` columns.
pub(in super::super) fn jobs_line(jobs: &[Job], width: usize) -> String {
    let count = if jobs.len() == 1 { "1 job".into() } else { format!("{} jobs", jobs.len()) };
    let mut text = format!("{count}: ");
    for (index, job) in jobs.iter().enumerate() {
        let next = described(job);
        if text.chars().count() + next.chars().count() + 6 > width && index > 0 {
            text += "…";
            break;
        }
        let _ = write!(text, "{}{next}", if index > 0 { "; " } else { "" });
    }
    text + "\n"
}

/// Describes a job as books do: name, length or bursts, and what differs from the usual.
fn described(job: &Job) -> String {
    let burst = |burst: &Burst| match burst {
        Burst::Compute(time) => time.to_string(),
        Burst::Io(time) => format!("I/O {time}"),
    };
    let bursts: Vec<String> = job.bursts.iter().take(5).map(burst).collect();
    let more = if job.bursts.len() > 5 { ", …" } else { "" };
    let mut text = format!("{} {}{more}", job.name, bursts.join(", "));
    if !job.arrival.is_zero() {
        let _ = write!(text, " at {}", job.arrival);
    }
    text
}

/// Returns the metrics of each job and their averages. Those of a real run stand beside the ideal.
pub(in super::super) fn table(jobs: &[Job], ideal: &Metrics, real: Option<&dispatch::Run>) -> String {
    let real = real.map(|run| &run.metrics);
    let has_priorities = jobs.iter().any(|job| job.priority != 0);
    let mut rows = new_table(&header(has_priorities, real.is_some()));
    for (id, job) in jobs.iter().enumerate().take(MAX_ROWS) {
        let mut row = vec![job.name.clone(), job.arrival.to_string(), job.length().to_string()];
        row.extend(has_priorities.then(|| job.priority.to_string()));
        row.extend(real.is_none().then(|| ideal.jobs[id].end.map_or("-".into(), shown)));
        for value in [
            |job: &JobMetrics| job.response,
            |job: &JobMetrics| job.turnaround,
            |job: &JobMetrics| job.waiting,
        ] {
            let of = |metrics: &Metrics| value(&metrics.jobs[id]).map_or("-".into(), shown);
            row.push(of(ideal));
            row.extend(real.map(of));
        }
        rows.add_row(row);
    }
    let mut averages = vec!["average".to_owned(), String::new(), String::new()];
    averages.extend(has_priorities.then(String::new));
    averages.extend(real.is_none().then(String::new));
    for value in [|m: &Metrics| m.response, |m: &Metrics| m.turnaround, |m: &Metrics| m.waiting] {
        let of = |metrics: &Metrics| format!("{:.2}", value(metrics));
        averages.push(of(ideal));
        averages.extend(real.map(of));
    }
    rows.add_row(averages);
    let mut text = format!("{}\n", rows.trim_fmt());
    if jobs.len() > MAX_ROWS {
        let _ = writeln!(text, "and {} more jobs: --json has them all", jobs.len() - MAX_ROWS);
    }
    text += &whole(if real.is_some() { "ideal: " } else { "" }, ideal);
    text + &real.map(|metrics| whole("real: ", metrics)).unwrap_or_default()
}

fn header(has_priorities: bool, has_real: bool) -> Vec<&'static str> {
    let mut header = vec!["job", "arrival", "length"];
    header.extend(has_priorities.then_some("priority"));
    header.extend((!has_real).then_some("end"));
    for name in ["response", "turnaround", "waiting"] {
        header.push(name);
        header.extend(has_real.then_some("real"));
    }
    header
}

/// Returns what concerns the schedule as a whole.
fn whole(label: &str, metrics: &Metrics) -> String {
    let mut text = format!(
        "{label}throughput {:.3}; CPU use {:.1} %; {}, {}\n",
        metrics.throughput,
        metrics.cpu_use * 100.0,
        counted(metrics.dispatches, "dispatch", "dispatches"),
        counted(metrics.switches, "switch", "switches"),
    );
    let fairness = metrics.fairness;
    let _ = writeln!(text, "{label}fairness {:.3}; worst gap {:.2}", fairness.jain, fairness.worst_gap);
    if metrics.deadlines > 0 {
        let (misses, late) = (metrics.misses, shown(metrics.worst_lateness));
        let _ = writeln!(text, "{label}deadlines missed: {misses} of {}, by up to {late}", metrics.deadlines);
    }
    text
}

pub(in super::super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Writes a time with at most two decimals.
fn shown(time: Time) -> String {
    time.rounded().to_string()
}

/// Returns how each metric is defined.
pub(in super::super) fn definitions(jobs: &[Job]) -> String {
    let mut rows = table_of_definitions();
    if jobs.iter().any(|job| job.deadline.is_some()) {
        rows += " deadlines    a job that ends later, or not at all, misses its deadline\n";
    }
    rows
}

fn table_of_definitions() -> String {
    let mut rows = new_table(&["metric", "definition; times are in units"]);
    for row in [
        ["response", "first run - arrival"],
        ["turnaround", "end - arrival"],
        ["waiting", "turnaround - CPU time - time blocked in I/O"],
        ["throughput", "jobs / makespan; makespan: from the first arrival to the last end"],
        ["CPU use", "CPU time of all jobs / makespan"],
        ["dispatches", "decisions; switches: decisions that changed the running job"],
        ["fairness", "Jain's index of CPU time / time present, by ticket: 1 is even"],
        ["worst gap", "largest distance of a job from its even share, at any moment"],
    ] {
        rows.add_row(row);
    }
    format!("{}\n", rows.trim_fmt())
}
