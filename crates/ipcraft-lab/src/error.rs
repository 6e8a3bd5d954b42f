//! What can go wrong, and what is left out.

use ipcraft_step::REFUSED;
use serde::{Deserialize, Serialize};

/// Why an experiment could not be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system does not allow ptrace(2).
    #[error("needs ptrace(2) of own children: EPERM; check kernel.yama.ptrace_scope and the seccomp filter")]
    Refused,
    /// A process that waits sleeps in the kernel, where it has no instruction to step.
    #[error("cannot be stepped: a process that waits sleeps in the kernel")]
    SleepsInKernel,
    /// A system call failed.
    #[error("cannot run two processes: {0}")]
    Failed(nix::Error),
    /// The processes cannot share memory.
    #[error("cannot share memory: {0}")]
    Memory(String),
}

impl From<ipcraft::Error> for Error {
    fn from(error: ipcraft::Error) -> Error {
        Error::Memory(error.to_string())
    }
}

impl From<nix::Error> for Error {
    fn from(error: nix::Error) -> Error {
        Error::Failed(error)
    }
}

impl Error {
    /// Distinguishes a refusal of ptrace(2) from other failures.
    pub(crate) fn of_stepping(error: nix::Error) -> Error {
        if error == REFUSED { Error::Refused } else { Error::Failed(error) }
    }
}

/// An experiment that was left out, since this machine lacks something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// What was left out.
    pub experiment: String,
    /// What it needs.
    pub needs: String,
}

impl Skipped {
    pub(crate) fn new(experiment: impl Into<String>, needs: impl Into<String>) -> Skipped {
        Skipped { experiment: experiment.into(), needs: needs.into() }
    }
}
