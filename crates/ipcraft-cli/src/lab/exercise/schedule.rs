//! The exercise on scheduling: five jobs, five policies.

use std::fmt::Write as _;

use ipcraft_lab::schedule::policy::Spec;
use ipcraft_lab::schedule::random::Random;
use ipcraft_lab::schedule::{Job, Metrics, Time, Timeline, ideal};
use serde_json::{Map, Value, json};

use super::super::schedule::chart::{self, Canvas};
use super::super::{Failure, Outcome, table};

const POLICIES: [&str; 5] = ["fcfs", "sjf", "srtn", "rr:2", "priority"];
const NAMES: [&str; 5] = ["A", "B", "C", "D", "E"];
const COLUMNS: [&str; 4] = ["end", "response", "turnaround", "waiting"];

const RULES: &str = "\
Times are whole units, and a switch takes no time. Rules for ties: a job that arrives comes before
the job whose quantum is over; equal jobs are taken by arrival, then in the order of this list; the
running job is not preempted by an equal one. Priority: high numbers first, preemptive.
";

/// Prints the sheet of a seed: empty, or with its answers.
pub(super) fn sheet(seed: u64, with_answers: bool) -> Result<Outcome, Failure> {
    let jobs = jobs(seed);
    let mut rows = table(&["job", "arrival", "length", "priority"]);
    for job in &jobs {
        let (arrival, length) = (job.arrival.to_string(), job.length().to_string());
        rows.add_row([job.name.clone(), arrival, length, job.priority.to_string()]);
    }
    let mut text =
        format!("Exercise {seed}. Schedule these jobs by each policy:\n{}\n{RULES}", rows.trim_fmt());
    for policy in POLICIES {
        let (spec, timeline, metrics) = solved(&jobs, policy)?;
        let _ = writeln!(text, "\n{policy}: {}", spec.title());
        if with_answers {
            text += &chart::text(&chart::rows(&jobs, &[("", &timeline)]), Canvas::of_stdout());
        }
        text += &answer_table(&jobs, with_answers.then_some(&metrics));
    }
    if !with_answers {
        let _ = writeln!(
            text,
            "\nFill in a file: ipcraft lab exercise schedule --seed {seed} --json FILE\n\
             Check it:       ipcraft lab exercise schedule --seed {seed} --check FILE"
        );
    }
    let right = answers(seed)?;
    let answers = if with_answers { right } else { emptied(&right) };
    Ok(Outcome::new(text, &json!({ "seed": seed, "jobs": jobs, "answers": answers }), Vec::new())?)
}

/// Returns the right answers: of each policy and each job, and the averages.
pub(super) fn answers(seed: u64) -> Result<Value, Failure> {
    let jobs = jobs(seed);
    let mut answers = Map::new();
    for policy in POLICIES {
        let (_, _, metrics) = solved(&jobs, policy)?;
        answers.insert(policy.into(), answers_of(&jobs, &metrics));
    }
    Ok(Value::Object(answers))
}

fn answers_of(jobs: &[Job], metrics: &Metrics) -> Value {
    let mut answers = Map::new();
    for (job, found) in jobs.iter().zip(&metrics.jobs) {
        let values = [found.end, found.response, found.turnaround, found.waiting];
        let values = COLUMNS.iter().zip(values).map(|(name, value)| ((*name).into(), json!(value)));
        answers.insert(job.name.clone(), Value::Object(values.collect()));
    }
    let averages = [metrics.response, metrics.turnaround, metrics.waiting];
    let averages = COLUMNS[1..].iter().zip(averages).map(|(name, value)| ((*name).into(), json!(value)));
    answers.insert("average".into(), Value::Object(averages.collect()));
    Value::Object(answers)
}

/// Returns the same answers with nothing filled in.
fn emptied(answers: &Value) -> Value {
    match answers {
        Value::Object(parts) => parts.iter().map(|(name, part)| (name.clone(), emptied(part))).collect(),
        _ => Value::Null,
    }
}

fn answer_table(jobs: &[Job], metrics: Option<&Metrics>) -> String {
    let mut rows = table(&["job", "end", "response", "turnaround", "waiting"]);
    for (id, job) in jobs.iter().enumerate() {
        let values = metrics.map(|metrics| &metrics.jobs[id]).map(|job| {
            [job.end, job.response, job.turnaround, job.waiting]
                .map(|time| time.map_or("-".into(), |time| time.to_string()))
        });
        rows.add_row([vec![job.name.clone()], values.map_or_else(|| blank(4), Vec::from)].concat());
    }
    let averages = metrics.map(|metrics| {
        let values = [metrics.response, metrics.turnaround, metrics.waiting];
        values.map(|value| format!("{value:.2}")).to_vec()
    });
    let start = vec!["average".to_owned(), String::new()];
    rows.add_row([start, averages.unwrap_or_else(|| blank(3))].concat());
    format!("{}\n", rows.trim_fmt())
}

fn blank(count: usize) -> Vec<String> {
    vec!["____".into(); count]
}

fn solved(jobs: &[Job], policy: &str) -> Result<(Spec, Timeline, Metrics), Failure> {
    let usage = |error: String| Failure::Usage(format!("{policy}: {error}"));
    let spec: Spec = policy.parse().map_err(|error| usage(format!("{error}")))?;
    let timeline = ideal::run(jobs, &mut *spec.policy(), false).map_err(|error| usage(error.to_string()))?;
    let metrics = Metrics::of(jobs, &timeline);
    Ok((spec, timeline, metrics))
}

/// Returns the jobs of a seed. Each policy schedules them in another way.
fn jobs(seed: u64) -> Vec<Job> {
    let mut random = Random::new(seed);
    loop {
        let jobs = drawn(&mut random);
        let schedule = |policy: &&str| solved(&jobs, policy).ok().map(|(_, timeline, _)| timeline.segments);
        let schedules: Vec<_> = POLICIES.iter().map(schedule).collect();
        if (1..schedules.len()).all(|last| !schedules[..last].contains(&schedules[last])) {
            return jobs;
        }
    }
}

/// Draws jobs: the first arrives at 0, and no two have one priority or arrival.
fn drawn(random: &mut Random) -> Vec<Job> {
    let mut priorities: Vec<i64> = (1..=5).collect();
    let mut arrival = Time::ZERO;
    let mut job = |name: &&str| {
        let mut job = Job::new(*name, arrival, Time::units(random.between(1, 8)));
        arrival += Time::units(random.between(1, 3));
        job.priority = priorities.remove(random.below(priorities.len() as u64) as usize);
        job
    };
    NAMES.iter().map(&mut job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_have_sheets_of_their_own_that_do_not_change() {
        let text = |seed| format!("{:?}", jobs(seed));
        assert_eq!(text(7), text(7));
        let mut sheets: Vec<String> = (0..100).map(text).collect();
        sheets.sort();
        sheets.dedup();
        assert_eq!(sheets.len(), 100);
        // A sheet that was handed out stays the same in later versions.
        let seven: Vec<String> =
            jobs(7).iter().map(|job| format!("{}@{}", job.length(), job.arrival)).collect();
        assert_eq!(seven.join(" "), SEVEN);
    }

    const SEVEN: &str = "5@0 5@3 1@6 8@8 4@11";
}
