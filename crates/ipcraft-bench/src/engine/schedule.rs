//! Runs all groups launch by launch and shares the time among them.

use std::time::{Duration, Instant};

use super::distances::{Distances, During};
use super::plan::Plan;
use super::sample::{self, Launched, Stopped};
use super::scenario::BenchmarkGroup;
use super::syscall_count;
use crate::placement::Placement;
use crate::process::{CancelToken, Failure};
use crate::results::HandOver;

/// What one row takes in one launch: starting the processes, a warm-up, and slices of 1 ms.
const ROW_TIME: Duration = Duration::from_millis(7);
/// Fewer launches have no quartiles.
const MIN_LAUNCHES: usize = 5;
/// Launches that run even if the machine is so busy that they exceed the budget.
const MIN_LAUNCHES_WHEN_BUSY: usize = 3;

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
    /// What was not measured, and why.
    pub(super) notes: Vec<String>,
    /// The hand-overs beside the launches.
    pub(super) hand_overs: Vec<HandOver>,
}

/// Runs all groups once per launch, so that a slow drift of the machine meets all of them alike.
///
/// Each launch begins with another group, so that a periodic disturbance meets all alike, too.
pub(super) fn run_launches(
    groups: &mut [BenchmarkGroup],
    plan: &Plan,
    cancel: CancelToken<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let weight = groups.iter().map(BenchmarkGroup::weight).sum::<f64>();
    let launches = launches(plan, weight);
    let mut schedule = Schedule {
        budget: Budget::new(plan.budget, weight, launches),
        cancel,
        distances: Distances::default(),
        pinned: true,
        notes: Vec::new(),
    };
    let may_count = schedule.may_count();
    for launch in 0..launches {
        if !schedule.budget.has_time_for(launch) {
            schedule
                .notes
                .push(format!("launches: {launch} of {launches}; the machine is too busy for more"));
            break;
        }
        let count = launch == 0 && may_count;
        if let Err(Stopped) = schedule.run_launch(groups, launch, launches, count, progress) {
            return schedule.finish(false);
        }
    }
    schedule.finish(true)
}

/// Returns the number of launches that the budget has time for.
fn launches(plan: &Plan, weight: f64) -> usize {
    let fitting = plan.budget.div_duration_f64(ROW_TIME) / weight;
    (fitting as usize).clamp(MIN_LAUNCHES.min(plan.launches), plan.launches)
}

/// Returns the group with which a launch begins.
fn first_group(launch: usize, launches: usize, groups: usize) -> usize {
    launch * groups / launches
}

/// A run in progress.
struct Schedule<'a> {
    budget: Budget,
    cancel: CancelToken<'a>,
    distances: Distances,
    pinned: bool,
    notes: Vec<String>,
}

impl Schedule<'_> {
    fn may_count(&mut self) -> bool {
        let refusal = syscall_count::probe().err();
        self.notes.extend(refusal.iter().map(|failure| format!("system calls not counted: {failure}")));
        refusal.is_none()
    }

    fn run_launch(
        &mut self,
        groups: &mut [BenchmarkGroup],
        launch: usize,
        launches: usize,
        count: bool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), Stopped> {
        let first = first_group(launch, launches, groups.len());
        for step in 0..groups.len() {
            let index = (first + step) % groups.len();
            progress(&Progress {
                done: launch * groups.len() + step,
                total: launches * groups.len(),
                label: format!("{} (launch {} of {launches})", groups[index].label(), launch + 1),
                remaining: self.budget.expected(),
            });
            self.step(&mut groups[index], launch, count)?;
        }
        Ok(())
    }

    /// Counts first and shares the rest of the time, so that counting shortens all launches alike.
    fn step(&mut self, group: &mut BenchmarkGroup, launch: usize, count: bool) -> Result<(), Stopped> {
        if count {
            self.count(group)?;
        }
        let time = self.budget.share(group.weight());
        if group.placement == Some(Placement::TwoCores) {
            return self.launch_on_two_cores(group, launch, time);
        }
        let launched = self.launch(group, launch, time)?;
        group.add(None, launched.measured);
        Ok(())
    }

    /// Launches a second time if the distance of the cores changed during the first one.
    fn launch_on_two_cores(
        &mut self,
        group: &mut BenchmarkGroup,
        launch: usize,
        time: Duration,
    ) -> Result<(), Stopped> {
        let cpus = group.cpus;
        let mut before = self.distances.measure(cpus, self.cancel)?;
        for _attempt in 0..2 {
            let mut launched = self.launch(group, launch, time)?;
            let after = self.distances.measure(cpus, self.cancel)?;
            if let During::Constant(hand_over) = self.distances.compare(launch, cpus, before, after) {
                let ns = hand_over.map(|found| found.ns);
                launched.measured.iter_mut().for_each(|measured| measured.set_hand_over(ns));
                group.add(hand_over.map(|found| found.distance), launched.measured);
                return Ok(());
            }
            before = after;
        }
        self.distances.count_dropped();
        Ok(())
    }

    fn launch(
        &mut self,
        group: &mut BenchmarkGroup,
        launch: usize,
        time: Duration,
    ) -> Result<Launched, Stopped> {
        let launched = sample::launch(group, launch, Instant::now() + time, self.cancel)?;
        self.pinned &= launched.pinned;
        Ok(launched)
    }

    fn count(&mut self, group: &mut BenchmarkGroup) -> Result<(), Stopped> {
        match syscall_count::count(group, self.cancel) {
            Ok(()) => Ok(()),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(reason)) => {
                self.notes.push(format!("system calls not counted for {}: {reason}", group.label()));
                Ok(())
            }
        }
    }

    fn finish(mut self, complete: bool) -> Outcome {
        self.notes.extend(self.distances.notes());
        Outcome { pinned: self.pinned, complete, notes: self.notes, hand_overs: self.distances.hand_overs }
    }
}

/// Shares the time that is left among the work that is left.
struct Budget {
    start: Instant,
    end: Instant,
    /// The weight of one launch.
    launch_weight: f64,
    weight: f64,
    weight_done: f64,
}

impl Budget {
    fn new(time: Duration, launch_weight: f64, launches: usize) -> Budget {
        let start = Instant::now();
        let weight = launch_weight * launches as f64;
        Budget { start, end: start + time, launch_weight, weight, weight_done: 0.0 }
    }

    fn remaining(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Returns the time for work of this weight.
    fn share(&mut self, weight: f64) -> Duration {
        let left = self.weight - self.weight_done;
        self.weight_done += weight;
        self.remaining().mul_f64((weight / left).clamp(0.0, 1.0))
    }

    /// Returns whether the next launch may begin: always if there are too few, and otherwise if at
    /// least half of it fits at the pace so far.
    fn has_time_for(&self, launch: usize) -> bool {
        launch < MIN_LAUNCHES_WHEN_BUSY || self.remaining() >= self.at_pace(self.launch_weight / 2.0)
    }

    /// Returns the time that the rest will take: that of the budget, or more if the work that is
    /// done in any case takes longer at the pace so far.
    fn expected(&self) -> Duration {
        let begun = (self.weight_done / self.launch_weight).floor() + 1.0;
        let certain = begun.max(MIN_LAUNCHES_WHEN_BUSY as f64) * self.launch_weight;
        let left = certain.min(self.weight) - self.weight_done;
        self.remaining().max(self.at_pace(left.max(0.0)))
    }

    /// Returns the time that work of this weight takes at the pace so far.
    fn at_pace(&self, weight: f64) -> Duration {
        if self.weight_done == 0.0 {
            return Duration::ZERO;
        }
        self.start.elapsed().mul_f64(weight / self.weight_done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::Preset;

    #[test]
    fn budget_is_shared_by_weight() {
        let mut budget = Budget::new(Duration::from_secs(1000), 5.0, 2);
        let first = budget.share(1.0).as_secs_f64();
        assert!((first - 100.0).abs() < 5.0, "{first}");
        let rest = budget.share(9.0).as_secs_f64();
        assert!((rest - 1000.0).abs() < 5.0, "{rest}");
    }

    #[test]
    fn budget_that_is_used_up_ends_the_run_after_three_launches() {
        let start = Instant::now().checked_sub(Duration::from_secs(300)).unwrap();
        let budget = |weight_done| Budget {
            start,
            end: start + Duration::from_secs(200),
            weight_done,
            ..Budget::new(Duration::ZERO, 10.0, 8)
        };
        assert!(budget(20.0).has_time_for(2));
        assert!(!budget(30.0).has_time_for(3));
        // 15 s for each unit of weight, of which 10 are left of the first three launches.
        let expected = budget(20.0).expected().as_secs_f64();
        assert!((145.0..180.0).contains(&expected), "{expected}");
    }

    #[test]
    fn launches_follow_from_the_budget() {
        let plan = |seconds| Plan {
            budget: Duration::from_secs(seconds),
            launches: 11,
            ..Plan::new(Preset::Default)
        };
        assert_eq!(launches(&plan(0), 100.0), MIN_LAUNCHES);
        assert_eq!(launches(&plan(6), 100.0), 8);
        assert_eq!(launches(&plan(600), 100.0), 11);
        let few = Plan { launches: 2, ..plan(600) };
        assert_eq!(launches(&few, 100.0), 2);
    }

    #[test]
    fn launches_begin_with_different_groups() {
        let first: Vec<_> = (0..5).map(|launch| first_group(launch, 5, 50)).collect();
        assert_eq!(first, [0, 10, 20, 30, 40]);
    }
}
