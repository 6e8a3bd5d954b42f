//! Every order of the instructions of two real processes.
//!
//! The search goes breadth first over the states of the two processes: their registers, their
//! stacks and the words that they share. From each new state it executes one instruction of either
//! process on the CPU itself. What it decides therefore holds for the machine code that a compiler
//! made, and not for a model of it.
//!
//! Stepping is sequentially consistent: each instruction is complete before the next one begins. An
//! algorithm that is right here may still be wrong at full speed on two cores.

mod graph;
mod orders;
mod replay;
mod schedule;
mod verdict;

use ipcraft_step::{Pair, Shared, Side, State};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::algorithm::{Algorithm, Waiting};
use crate::variables::{Layout, Phase, Variables};
use graph::Graph;

pub use graph::MAX_TICKET;
pub use orders::{Orders, orders};
pub use replay::{Replay, Step, replay};
pub use schedule::{ParseScheduleError, Schedule};
pub use verdict::Verdict;

/// A search ends after this many states: no algorithm here has a tenth of them.
pub const MAX_STATES: usize = 200_000;

/// What every order of the instructions of an algorithm can lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exploration {
    /// The id of the algorithm.
    pub algorithm: String,
    /// The number of different states.
    pub states: usize,
    /// False if the search ended at [`MAX_STATES`] or [`MAX_TICKET`]: a condition that holds is
    /// then proven up to there only.
    pub complete: bool,
    /// Never two processes are inside.
    pub exclusion: Verdict,
    /// While a process waits, some process can still enter.
    pub progress: Verdict,
    /// A process that is outside blocks no other, even if it is stopped there.
    pub independence: Verdict,
    /// A process that waits is not bypassed without end.
    pub bounded_waiting: Verdict,
}

/// Explores every order of two processes that enter and leave the critical section without end.
///
/// # Errors
///
/// [`Error::Refused`] if the system does not allow ptrace(2), [`Error::SleepsInKernel`] for an
/// algorithm whose waiting cannot be stepped.
pub fn explore(algorithm: &Algorithm) -> Result<Exploration, Error> {
    let shared = Shared::new()?;
    let mut pair = cycling_pair(algorithm, &shared)?;
    let variables = Variables::new(&shared, Layout::OneLine);
    let start = begun(&mut pair, variables)?;
    let graph = Graph::search(&mut pair, variables, start, MAX_STATES)?;
    Ok(Exploration {
        algorithm: algorithm.id.into(),
        states: graph.len(),
        complete: graph.is_complete(),
        exclusion: verdict::exclusion(&graph),
        progress: verdict::progress(&graph),
        independence: verdict::independence(&graph),
        bounded_waiting: verdict::bounded_waiting(&graph),
    })
}

/// Starts two processes that run an algorithm.
fn cycling_pair(algorithm: &Algorithm, shared: &Shared) -> Result<Pair, Error> {
    if algorithm.waiting() == Waiting::Kernel {
        return Err(Error::SleepsInKernel);
    }
    let side =
        |me: usize| move |shared: &Shared| cycle(algorithm, Variables::new(shared, Layout::OneLine), me);
    let (a, b) = (side(0), side(1));
    Pair::start(shared, Variables::new(shared, Layout::OneLine).len(), [&a, &b]).map_err(Error::of_stepping)
}

/// Returns the state in which both processes have left [`Phase::Starting`].
fn begun(pair: &mut Pair, variables: Variables<'_>) -> Result<State, Error> {
    let mut state = pair.start_state()?;
    for side in Side::BOTH {
        while variables.phase_in(state.words(), side.index()) == Phase::Starting {
            state = pair.step(&state, side)?.ok_or(Error::Failed(nix::Error::ESRCH))?;
        }
    }
    Ok(state)
}

/// Enters and leaves without end.
#[inline(never)]
fn cycle(algorithm: &Algorithm, variables: Variables<'_>, me: usize) {
    variables.enter_phase(me, Phase::Outside);
    loop {
        variables.enter_phase(me, Phase::Waiting);
        algorithm.announce(variables, me);
        while !algorithm.may_enter(variables, me) {
            if algorithm.waiting() == Waiting::Yield {
                std::thread::yield_now();
            }
        }
        variables.enter_phase(me, Phase::Inside);
        variables.enter_phase(me, Phase::Leaving);
        algorithm.leave(variables, me);
        variables.enter_phase(me, Phase::Outside);
    }
}
