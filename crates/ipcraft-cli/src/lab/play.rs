//! `ipcraft lab play`: the reader is the scheduler.

use std::io::{self, BufRead};

use ipcraft_lab::Algorithm;
use ipcraft_lab::explore::{Replay, Schedule, explore, replay};

use super::explore::{changes, phase};
use super::{Failure, Outcome};
use ipcraft_report::output;

const HELP: &str = "a, b: one instruction of that process (a count may follow: a5); u: undo; \
                    s: a solution; q: quit\nGoal: both processes inside.\n";

/// Reads steps from standard input until both processes are inside, or the input ends.
pub(super) fn play(algorithm: &'static Algorithm) -> Result<Outcome, Failure> {
    output::print(&format!("{}: {}\n{HELP}", algorithm.id, algorithm.summary))?;
    let mut moves: Vec<Schedule> = Vec::new();
    let mut state = replay(algorithm, &joined(&moves))?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let reply = match line.trim() {
            "" => String::new(),
            "q" => break,
            "u" => {
                moves.pop();
                state = replay(algorithm, &joined(&moves))?;
                position(&state)
            }
            "s" => solution(algorithm)?,
            other => match other.parse::<Schedule>() {
                Ok(steps) => {
                    moves.push(steps);
                    state = replay(algorithm, &joined(&moves))?;
                    position(&state)
                }
                Err(error) => format!("{error}\n{HELP}"),
            },
        };
        output::print(&reply)?;
        if state.both_inside.is_some() {
            break;
        }
    }
    let won = state.both_inside.is_some();
    let text = if won { format!("Found: {}\n", joined(&moves)) } else { "Not found.\n".into() };
    Ok(Outcome::new(text, &state, Vec::new())?)
}

fn joined(moves: &[Schedule]) -> Schedule {
    Schedule::new(moves.iter().flat_map(Schedule::steps).copied().collect())
}

/// Describes the last step that changed something, and where both processes are.
fn position(state: &Replay) -> String {
    let Some(last) = state.steps.last() else {
        return "step 0: both at the start\n".into();
    };
    let changed = state.steps.iter().rev().map(changes).find(|changes| !changes.is_empty());
    format!(
        "step {}: A {}, B {}; last change: {}\n",
        state.steps.len(),
        phase(last.phases[0]),
        phase(last.phases[1]),
        changed.unwrap_or_else(|| "none".into())
    )
}

fn solution(algorithm: &'static Algorithm) -> Result<String, Failure> {
    Ok(match explore(algorithm)?.exclusion.schedule() {
        Some(schedule) => format!("{schedule}\n"),
        None => "There is none: the algorithm is right in every order.\n".into(),
    })
}
