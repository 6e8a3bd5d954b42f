//! What this machine permits, tried and not guessed.
//!
//! Each facility is tried in a child of its own, so that nothing of it stays with this process.

mod autogroup;
mod groups;
mod kernel;
mod processes;
mod scheduling;
#[cfg(test)]
mod tests;
mod trial;

use serde::{Deserialize, Serialize};

use crate::{Error, Skipped};
pub(crate) use autogroup::check_autogroup;
use trial::Trial;
pub(crate) use trial::{failed, io_failed};

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

/// Returns what is missing if processes cannot be bound to cores, so that they run wherever the
/// kernel puts them.
///
/// # Errors
///
/// [`Error::Failed`] if no child can be started.
pub fn unpinned() -> Result<Option<Skipped>, Error> {
    let refused = processes::pin_to_a_core()?.err();
    Ok(refused.map(|found| Skipped::new("placement on cores", format!("needs sched_setaffinity ({found})"))))
}
