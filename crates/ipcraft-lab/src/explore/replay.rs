//! One order of steps, again, with what each step changed.

use ipcraft_step::{Shared, Side, State};
use serde::Serialize;

use super::schedule::Schedule;
use super::{begun, cycling_pair};
use crate::Error;
use crate::algorithm::Algorithm;
use crate::variables::{Layout, Phase, Variables};

/// One step and what it changed in shared memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The process that executed an instruction.
    pub side: char,
    /// The variables that changed: name, former value, new value.
    pub changes: Vec<(&'static str, u64, u64)>,
    /// Where both processes are after the step.
    pub phases: [Phase; 2],
}

/// A schedule that was executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// The id of the algorithm.
    pub algorithm: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The first step after which both processes were inside, from 1.
    pub both_inside: Option<usize>,
}

/// Executes a schedule from the start.
///
/// # Errors
///
/// [`Error::Refused`] if the system does not allow ptrace(2).
pub fn replay(algorithm: &Algorithm, schedule: &Schedule) -> Result<Replay, Error> {
    let shared = Shared::new()?;
    let variables = Variables::new(&shared, Layout::OneLine);
    let mut pair = cycling_pair(algorithm, &shared)?;
    let mut before = begun(&mut pair, variables)?;
    let mut steps = Vec::new();
    for &side in schedule.steps() {
        let Some(after) = pair.step(&before, side)? else { break };
        steps.push(described(variables, side, &before, &after));
        before = after;
    }
    let both = steps.iter().position(|step| step.phases == [Phase::Inside; 2]);
    Ok(Replay { algorithm: algorithm.id.into(), steps, both_inside: both.map(|index| index + 1) })
}

fn described(variables: Variables<'_>, side: Side, before: &State, after: &State) -> Step {
    Step {
        side: if side == Side::A { 'A' } else { 'B' },
        changes: variables.changes(before.words(), after.words()),
        phases: [0, 1].map(|me| variables.phase_in(after.words(), me)),
    }
}
