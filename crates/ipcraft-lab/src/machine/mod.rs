//! What this machine permits, tried and not guessed.
//!
//! Each facility is tried in a child of its own, so that nothing of it stays with this process.

mod groups;
mod kernel;
mod processes;
mod scheduling;
#[cfg(test)]
mod tests;
mod trial;

use serde::{Deserialize, Serialize};

use crate::Error;
use trial::Trial;

/// One facility that some experiments need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    /// What it is.
    pub name: String,
    /// Whether this process has it.
    pub permitted: bool,
    /// What was found: a figure, or the error.
    pub found: String,
    /// What gives it, if it is missing.
    pub needs: String,
    /// The commands that use it.
    pub used_by: String,
}

/// Tries every facility in a child.
///
/// # Errors
///
/// [`Error::Failed`] if no child can be started.
pub fn facilities() -> Result<Vec<Facility>, Error> {
    let trials = [processes::TRIALS, scheduling::TRIALS, kernel::TRIALS, groups::TRIALS];
    trials.into_iter().flatten().map(Trial::facility).collect()
}
