//! `ipcraft lab exercise`: a sheet for each seed, its answers, and a check of given answers.

mod schedule;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Exercise {
    /// The subject
    #[arg(value_name = "TOPIC")]
    topic: Topic,

    /// The number of the sheet: every seed has its own, which is the same everywhere
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Print the answers, too
    #[arg(long, conflicts_with = "check")]
    answers: bool,

    /// Check the answers in FILE, as --json writes them; exit with 1 if one is wrong
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Topic {
    /// Response, turnaround and waiting time by several policies
    Schedule,
}

pub(super) fn outcome(exercise: &Exercise) -> Result<Outcome, Failure> {
    let Topic::Schedule = exercise.topic;
    match &exercise.check {
        Some(path) => checked(exercise.seed, path),
        None => schedule::sheet(exercise.seed, exercise.answers),
    }
}

/// Compares the answers in a file with the right ones.
fn checked(seed: u64, path: &Path) -> Result<Outcome, Failure> {
    let text = fs::read_to_string(path).map_err(|error| unusable(path, &error.to_string()))?;
    let given: Value = serde_json::from_str(&text).map_err(|error| unusable(path, &error.to_string()))?;
    // A file of --json has the answers among its results.
    let given = given.get("results").unwrap_or(&given);
    if let Some(other) = given.get("seed").and_then(Value::as_u64).filter(|&other| other != seed) {
        return Err(unusable(path, &format!("has the answers to seed {other}; this is seed {seed}")));
    }
    let Some(answers) = given.get("answers") else {
        return Err(unusable(path, "has no \"answers\": --json writes a file to be filled in"));
    };
    let right = schedule::answers(seed)?;
    let wrong = wrong_answers(&right, answers);
    let total = count(&right);
    let mut text = String::new();
    for (name, given) in &wrong {
        text += &format!("wrong: {name}: {given}\n");
    }
    text += &format!("{} of {total} answers are right\n", total - wrong.len());
    let results = serde_json::json!({
        "seed": seed,
        "total": total,
        "wrong": wrong.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    let mut outcome = Outcome::new(text, &results, Vec::new())?;
    outcome.failed = !wrong.is_empty();
    Ok(outcome)
}

fn unusable(path: &Path, problem: &str) -> Failure {
    Failure::Usage(format!("{}: {problem}", path.display()))
}

/// Returns the place of each wrong answer, and what was given there.
fn wrong_answers(right: &Value, given: &Value) -> Vec<(String, String)> {
    let Value::Object(parts) = right else {
        let is_right = match (right.as_f64(), given.as_f64()) {
            // Averages may be rounded to two decimals.
            (Some(right), Some(given)) => (right - given).abs() < 0.00501,
            _ => right == given,
        };
        let shown = if given.is_null() { "no answer".into() } else { given.to_string() };
        return if is_right { Vec::new() } else { vec![(String::new(), shown)] };
    };
    let mut wrong = Vec::new();
    for (name, right) in parts {
        for (place, shown) in wrong_answers(right, given.get(name).unwrap_or(&Value::Null)) {
            wrong.push((format!("{name} {place}").trim_end().into(), shown));
        }
    }
    wrong
}

/// Returns the number of answers.
fn count(answers: &Value) -> usize {
    answers.as_object().map_or(1, |parts| parts.values().map(count).sum())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_answers_are_named_by_their_place() {
        let right = json!({ "fcfs": { "A": { "end": 3.0, "waiting": 1.0 }, "average": 2.6667 } });
        assert_eq!(count(&right), 3);
        assert_eq!(wrong_answers(&right, &right), []);
        let rounded = json!({ "fcfs": { "A": { "end": 3, "waiting": 1 }, "average": 2.67 } });
        assert_eq!(wrong_answers(&right, &rounded), []);
        let given = json!({ "fcfs": { "A": { "end": "3", "waiting": null } } });
        let expected =
            [("fcfs A end", "\"3\""), ("fcfs A waiting", "no answer"), ("fcfs average", "no answer")];
        let found = wrong_answers(&right, &given);
        let found: Vec<(&str, &str)> = found.iter().map(|(place, shown)| (&**place, &**shown)).collect();
        assert_eq!(found, expected);
    }
}
