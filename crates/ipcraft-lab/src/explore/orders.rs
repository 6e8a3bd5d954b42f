//! Every order of two additions to one counter.

use ipcraft_step::{Pair, Shared, Side, State};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::begun;
use super::schedule::Schedule;
use crate::Error;
use crate::instruction::Width;
use crate::variables::{Layout, Variables};

/// How many orders lose an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// How the processes add.
    pub width: Width,
    /// The number of orders of their instructions.
    pub orders: usize,
    /// The orders after which the counter is 1 instead of 2.
    pub losing: usize,
    /// The first of them.
    pub example: Option<Schedule>,
}

/// Executes two additions in every order of their instructions.
///
/// # Errors
///
/// [`Error::Refused`] if the system does not allow ptrace(2).
pub fn orders(width: Width) -> Result<Orders, Error> {
    let shared = Shared::new()?;
    let side = |me: usize| {
        move |shared: &Shared| {
            let variables = Variables::new(shared, Layout::OneLine);
            width.add_marked(variables.phase(me), variables.counter());
        }
    };
    let (a, b) = (side(0), side(1));
    let variables = Variables::new(&shared, Layout::OneLine);
    let mut pair = Pair::start(&shared, variables.len(), [&a, &b]).map_err(Error::of_stepping)?;
    let start = begun(&mut pair, variables)?;
    let mut found = Orders { width, orders: 0, losing: 0, example: None };
    execute(&mut pair, variables, &start, [width.instructions(); 2], &mut Vec::new(), &mut found)?;
    Ok(found)
}

/// Executes the instructions that are left in every order.
fn execute(
    pair: &mut Pair,
    variables: Variables<'_>,
    state: &State,
    left: [usize; 2],
    steps: &mut Vec<Side>,
    found: &mut Orders,
) -> Result<(), Error> {
    if left == [0, 0] {
        found.orders += 1;
        if variables.counter_in(state.words()) == 1 {
            found.losing += 1;
            found.example.get_or_insert_with(|| Schedule::new(steps.clone()));
        }
        return Ok(());
    }
    for side in Side::BOTH.into_iter().filter(|side| left[side.index()] > 0) {
        let next = pair.step(state, side)?.ok_or(Error::Failed(Errno::ESRCH))?;
        let mut less = left;
        less[side.index()] -= 1;
        steps.push(side);
        execute(pair, variables, &next, less, steps, found)?;
        steps.pop();
    }
    Ok(())
}
