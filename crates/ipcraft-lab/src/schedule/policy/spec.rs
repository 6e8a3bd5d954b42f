//! How a policy is written, `rr:4`, and the policy object that this makes.

use std::str::FromStr;

use super::Policy;
use super::fcfs::Fcfs;
use super::round_robin::RoundRobin;
use crate::schedule::time::Time;

/// A policy with its parameters. Each schedule needs a fresh [`Policy`] of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spec {
    /// First come, first served.
    Fcfs,
    /// Round robin.
    RoundRobin {
        /// The longest turn.
        quantum: Time,
    },
}

impl Spec {
    /// Returns a policy object that has not seen any job.
    pub fn policy(&self) -> Box<dyn Policy> {
        match self {
            Spec::Fcfs => Box::new(Fcfs::default()),
            Spec::RoundRobin { quantum } => Box::new(RoundRobin::new(*quantum)),
        }
    }
}

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(String);

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Spec, SpecError> {
        match text.split_once(':') {
            None if text == "fcfs" => Ok(Spec::Fcfs),
            Some(("rr", quantum)) => {
                let quantum = quantum.parse().map_err(|error| SpecError(format!("rr: {error}")))?;
                Ok(Spec::RoundRobin { quantum })
            }
            _ => Err(SpecError(format!("{text:?} is no policy: choose fcfs or rr:QUANTUM"))),
        }
    }
}
