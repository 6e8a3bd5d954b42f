//! Runs all groups launch by launch and shares the time among them.

use std::time::{Duration, Instant};

use super::plan::Plan;
use super::sample::{self, Stopped};
use super::scenario::BenchmarkGroup;
use super::syscall_count;
use crate::process::{CancelToken, Failure};

/// The progress of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The number of finished steps.
    pub done: usize,
    /// The number of all steps.
    pub total: usize,
    /// What is being measured.
    pub label: String,
    /// The time that the rest will take.
    pub remaining: Duration,
}

/// What the launches found out besides samples.
pub(super) struct Outcome {
    pub(super) pinned: bool,
    pub(super) complete: bool,
    /// Why system calls were not counted.
    pub(super) notes: Vec<String>,
}

/// Runs all groups once per launch, so that a slow drift of the machine meets all of them alike.
pub(super) fn run_launches(
    groups: &mut [BenchmarkGroup],
    plan: &Plan,
    cancel: CancelToken<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let total = groups.len() * plan.launches;
    let weight = groups.iter().map(BenchmarkGroup::weight).sum::<f64>() * plan.launches as f64;
    let mut budget = Budget::new(plan.budget, weight);
    let mut outcome = Outcome { pinned: true, complete: false, notes: Vec::new() };
    let refusal = syscall_count::probe().err();
    let may_count = refusal.is_none();
    outcome.notes.extend(refusal.map(|failure| format!("system calls not counted: {failure}")));
    for launch in 0..plan.launches {
        for (index, group) in groups.iter_mut().enumerate() {
            progress(&Progress {
                done: launch * (total / plan.launches) + index,
                total,
                label: group.label(),
                remaining: budget.remaining(),
            });
            let count = launch == 0 && may_count;
            if let Err(Stopped) = outcome.step(group, &mut budget, count, cancel) {
                return outcome;
            }
        }
    }
    outcome.complete = true;
    outcome
}

impl Outcome {
    /// Counts first and shares the rest of the time, so that counting shortens all launches alike.
    fn step(
        &mut self,
        group: &mut BenchmarkGroup,
        budget: &mut Budget,
        count: bool,
        cancel: CancelToken<'_>,
    ) -> Result<(), Stopped> {
        if count {
            self.count(group, cancel)?;
        }
        self.pinned &= sample::launch(group, budget.share(group.weight()), cancel)?;
        Ok(())
    }

    fn count(&mut self, group: &mut BenchmarkGroup, cancel: CancelToken<'_>) -> Result<(), Stopped> {
        match syscall_count::count(group, cancel) {
            Ok(()) => Ok(()),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(reason)) => {
                self.notes.push(format!("system calls not counted for {}: {reason}", group.label()));
                Ok(())
            }
        }
    }
}

/// Shares the time that is left among the work that is left.
struct Budget {
    end: Instant,
    weight_left: f64,
}

impl Budget {
    fn new(time: Duration, weight: f64) -> Budget {
        Budget { end: Instant::now() + time, weight_left: weight }
    }

    fn remaining(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Returns when work of this weight has to be finished.
    fn share(&mut self, weight: f64) -> Instant {
        let share = self.remaining().mul_f64((weight / self.weight_left).clamp(0.0, 1.0));
        self.weight_left -= weight;
        Instant::now() + share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_shared_by_weight() {
        let mut budget = Budget::new(Duration::from_secs(1000), 10.0);
        let start = Instant::now();
        let first = budget.share(1.0).duration_since(start).as_secs_f64();
        assert!((first - 100.0).abs() < 5.0, "{first}");
        let rest = budget.share(9.0).duration_since(start).as_secs_f64();
        assert!((rest - 1000.0).abs() < 5.0, "{rest}");
    }
}
