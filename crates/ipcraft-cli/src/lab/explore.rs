//! `ipcraft lab explore` and `ipcraft lab run`.

use ipcraft_lab::explore::{
    Exploration, MAX_STATES, MAX_TICKET, Replay, Schedule, Step, Verdict, explore, orders, replay,
};
use ipcraft_lab::{Algorithm, Phase, Width};

use super::{Failure, Outcome, table};

/// The name of two additions, beside those of the algorithms.
pub(super) const RACE: &str = "race";

pub(super) fn outcome(algorithm: &'static Algorithm) -> Result<Outcome, Failure> {
    let found = explore(algorithm)?;
    Ok(Outcome::new(text(algorithm, &found), &found, Vec::new())?)
}

fn text(algorithm: &Algorithm, found: &Exploration) -> String {
    let conditions = [
        ("never two inside", &found.exclusion),
        ("some process can always enter", &found.progress),
        ("a process outside blocks no other", &found.independence),
        ("no process is bypassed without end", &found.bounded_waiting),
    ];
    let mut text = format!("{}: {} states, every order of the instructions\n", found.algorithm, found.states);
    if !found.complete && found.states < MAX_STATES {
        text += &format!(
            "Tickets grow without bound: states with a ticket above {MAX_TICKET} were not followed.\n"
        );
    }
    if !found.complete {
        text += "A condition that holds is proven for the states that were found, and not beyond.\n";
    }
    for (condition, verdict) in conditions {
        text += &line(condition, verdict);
    }
    if let Some(schedule) = found.exclusion.schedule() {
        let order = schedule.to_string().replace(' ', "");
        text += &format!("Step by step: ipcraft lab run {} --schedule {order}\n", found.algorithm);
    } else if algorithm.unfenced {
        let at_full_speed = if algorithm.id.starts_with("peterson") {
            "peterson".into()
        } else {
            format!("exclusion {}", algorithm.id)
        };
        text += &format!(
            "Stepping completes each instruction before the next. At full speed a core buffers its stores:\n\
             ipcraft lab {at_full_speed} shows that this algorithm lacks a fence.\n"
        );
    }
    text
}

fn line(condition: &str, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds => format!("  holds     {condition}\n"),
        Verdict::Violated { schedule, cycle } => {
            let repeated =
                if cycle.steps().is_empty() { String::new() } else { format!(", then without end {cycle}") };
            let steps = schedule.steps().len();
            format!("  VIOLATED  {condition}\n            {steps} steps: {schedule}{repeated}\n")
        }
    }
}

/// Explores two additions at every width.
pub(super) fn race() -> Result<Outcome, Failure> {
    let found = Width::ALL.iter().map(|&width| orders(width)).collect::<Result<Vec<_>, _>>()?;
    let mut rows = table(&["two processes add one", "orders", "lose an update", "for example"]);
    for orders in &found {
        rows.add_row([
            orders.width.name().to_owned(),
            orders.orders.to_string(),
            orders.losing.to_string(),
            orders.example.as_ref().map_or_else(|| "-".into(), Schedule::to_string),
        ]);
    }
    Ok(Outcome::new(format!("{}\n", rows.trim_fmt()), &found, Vec::new())?)
}

/// Executes one order, or the shortest bad one, and shows what each step changed.
pub(super) fn replayed(
    algorithm: &'static Algorithm,
    schedule: Option<&Schedule>,
) -> Result<Outcome, Failure> {
    let bad = match schedule {
        Some(_) => None,
        None => explore(algorithm)?.exclusion.schedule().cloned(),
    };
    let Some(schedule) = schedule.or(bad.as_ref()) else {
        let text = format!("No order lets both processes in; choose one: {} --schedule AAB\n", algorithm.id);
        return Ok(Outcome::new(text, &serde_json::Value::Null, Vec::new())?);
    };
    let found = replay(algorithm, schedule)?;
    let text = format!("{}{}", steps(&found), end(&found));
    Ok(Outcome::new(text, &found, Vec::new())?)
}

fn steps(found: &Replay) -> String {
    let mut rows = table(&["step", "process", "changes in shared memory", "A", "B"]);
    let mut private = 0;
    for (index, step) in found.steps.iter().enumerate() {
        // Instructions that change nothing that is shared are counted only.
        if step.changes.is_empty() && index + 1 < found.steps.len() {
            private += 1;
            continue;
        }
        if private > 0 {
            rows.add_row([String::new(), String::new(), format!("({private} instructions on registers)")]);
        }
        private = 0;
        rows.add_row([
            (index + 1).to_string(),
            step.side.to_string(),
            changes(step),
            phase(step.phases[0]).into(),
            phase(step.phases[1]).into(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

pub(super) fn changes(step: &Step) -> String {
    let changed = step.changes.iter().filter(|(name, ..)| !name.starts_with("phase"));
    changed.map(|(name, before, after)| format!("{name} {before} -> {after}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Starting => "starting",
        Phase::Outside => "outside",
        Phase::Waiting => "waiting",
        Phase::Inside => "INSIDE",
        Phase::Leaving => "leaving",
    }
}

fn end(found: &Replay) -> String {
    match found.both_inside {
        Some(step) => format!("Both processes are inside after step {step}.\n"),
        None => "Never two processes were inside.\n".into(),
    }
}
