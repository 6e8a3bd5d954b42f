//! A policy with its parameters, and the policy object that this makes.

use super::Policy;
use super::edf::Edf;
use super::fair::Fair;
use super::fcfs::Fcfs;
use super::guaranteed::Guaranteed;
use super::hrrn::Hrrn;
use super::lottery::Lottery;
use super::multilevel::Multilevel;
use super::parameters::SpecError;
use super::priority::Priority;
use super::rm::Rm;
use super::round_robin::RoundRobin;
use super::sjf::Sjf;
use super::spn::{Spn, Weight};
use super::srtn::Srtn;
use super::stride::Stride;
use crate::schedule::job::Job;
use crate::schedule::time::Time;

/// A policy with its parameters. Each schedule needs a fresh [`Policy`] of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spec {
    /// First come, first served.
    Fcfs,
    /// Shortest job first.
    Sjf,
    /// Shortest remaining time next.
    Srtn,
    /// Round robin.
    RoundRobin {
        /// The longest turn.
        quantum: Time,
    },
    /// Priorities.
    Priority {
        /// Whether low numbers go first.
        low_first: bool,
        /// Whether the running job loses one level for each unit.
        ageing: bool,
        /// The quantum among jobs of one level.
        quantum: Option<Time>,
    },
    /// Multilevel queues.
    Multilevel {
        /// The quantum of each class.
        quanta: Vec<Time>,
        /// Whether a job also moves down while no other job is ready.
        demotes_alone: bool,
        /// Whether the rules of OSTEP's mlfq.py hold: see [`Spec::title`].
        ostep: bool,
    },
    /// Shortest process next.
    Spn {
        /// The weight of the last burst.
        weight: Weight,
        /// The estimate of the first burst.
        first: Time,
    },
    /// Guaranteed scheduling.
    Guaranteed {
        /// The longest turn.
        quantum: Time,
    },
    /// Lottery scheduling.
    Lottery {
        /// The turn that a ticket wins.
        quantum: Time,
        /// The seed of the draws.
        seed: u64,
    },
    /// Fair share.
    Fair {
        /// The longest turn of a job.
        quantum: Time,
        /// The quanta in a turn of each user.
        weights: Vec<u64>,
    },
    /// Rate monotonic.
    Rm,
    /// Earliest deadline first.
    Edf,
    /// Stride scheduling.
    Stride {
        /// The longest turn.
        quantum: Time,
    },
    /// Highest response ratio next.
    Hrrn,
}

impl Spec {
    /// Returns a policy object that has not seen any job.
    pub fn policy(&self) -> Box<dyn Policy> {
        match self {
            Spec::Fcfs => Box::new(Fcfs::default()),
            Spec::Sjf => Box::new(Sjf),
            Spec::Srtn => Box::new(Srtn),
            Spec::RoundRobin { quantum } => Box::new(RoundRobin::new(*quantum)),
            &Spec::Priority { low_first, ageing, quantum } => {
                Box::new(Priority::new(low_first, ageing, quantum))
            }
            Spec::Multilevel { quanta, demotes_alone, ostep } => {
                Box::new(Multilevel::new(quanta.clone(), *demotes_alone, *ostep))
            }
            Spec::Spn { weight, first } => Box::new(Spn::new(*weight, *first)),
            Spec::Guaranteed { quantum } => Box::new(Guaranteed::new(*quantum)),
            Spec::Lottery { quantum, seed } => Box::new(Lottery::new(*quantum, *seed)),
            Spec::Fair { quantum, weights } => Box::new(Fair::new(*quantum, weights.clone())),
            Spec::Rm => Box::new(Rm),
            Spec::Edf => Box::new(Edf),
            Spec::Stride { quantum } => Box::new(Stride::new(*quantum)),
            Spec::Hrrn => Box::new(Hrrn),
        }
    }

    /// Checks that the jobs have what the policy compares.
    ///
    /// # Errors
    /// Fails if it compares periods, deadlines or users, and no job has one.
    pub fn check(&self, jobs: &[Job]) -> Result<(), SpecError> {
        let (found, problem) = match self {
            Spec::Rm => {
                (jobs.iter().any(|job| job.period.is_some()), "no job has a period: write A:0:3:period=5")
            }
            Spec::Edf => (
                jobs.iter().any(|job| job.deadline.is_some()),
                "no job has a deadline: write A:0:3:deadline=5",
            ),
            Spec::Fair { .. } => {
                let differ = jobs.iter().any(|job| job.owner != jobs[0].owner);
                (differ, "all jobs have one owner: write A:0:3:owner=ann B:0:3:owner=bob")
            }
            _ => (true, ""),
        };
        if found { Ok(()) } else { Err(SpecError::Parameter(self.to_string(), problem.into())) }
    }

    /// Returns what a reader calls it: "round robin, quantum 4".
    pub fn title(&self) -> String {
        match self {
            Spec::Fcfs => "first come, first served".into(),
            Spec::Sjf => "shortest job first".into(),
            Spec::Srtn => "shortest remaining time next".into(),
            Spec::RoundRobin { quantum } => format!("round robin, quantum {quantum}"),
            Spec::Priority { low_first, ageing, quantum } => {
                let order = if *low_first { "low" } else { "high" };
                let ageing = if *ageing { ", the running job loses one level for each unit" } else { "" };
                let turns = quantum.map(|quantum| format!(", round robin of {quantum} among equals"));
                format!("priority, {order} numbers first{ageing}{}", turns.unwrap_or_default())
            }
            Spec::Multilevel { quanta, demotes_alone, ostep } => {
                let alone = if *demotes_alone { "" } else { ", a job that is alone is not moved down" };
                let ostep = if *ostep {
                    ", a higher class preempts, and an ended quantum comes before arrivals"
                } else {
                    ""
                };
                format!("multilevel queues, quanta {}{alone}{ostep}", list(quanta))
            }
            Spec::Spn { weight, first } => {
                format!("shortest process next, a = {weight}, first estimate {first}")
            }
            Spec::Guaranteed { quantum } => format!("guaranteed scheduling, quantum {quantum}"),
            Spec::Lottery { quantum, seed } => format!("lottery, quantum {quantum}, seed {seed}"),
            Spec::Fair { quantum, weights } if weights.is_empty() => {
                format!("fair share among users, quantum {quantum}")
            }
            Spec::Fair { quantum, weights } => {
                format!("fair share among users {}, quantum {quantum}", list(weights).replace(',', ":"))
            }
            Spec::Rm => "rate monotonic".into(),
            Spec::Edf => "earliest deadline first".into(),
            Spec::Stride { quantum } => format!("stride, quantum {quantum}"),
            Spec::Hrrn => "highest response ratio next".into(),
        }
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}
