//! The run of a plan.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::interleave::{Group, Stopped};
use crate::placement::{Cores, Placement};
use crate::plan::Plan;
use crate::results::{Environment, Results};
use crate::supervise::{Failure, Watch};
use crate::{count, environment, groups, summary};

/// Where a run has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// What is being measured.
    pub label: String,
    /// Time that the rest will take.
    pub remaining: Duration,
}

/// Measures what the plan says. Setting `stop` ends it soon, with what has been measured until then.
///
/// No process, and no name in the file system, outlives the call. It may be made from any thread; the processes live no
/// longer than that.
pub fn run(plan: &Plan, stop: &AtomicBool, progress: &mut dyn FnMut(&Progress)) -> Results {
    let cores = Cores::of_this_process();
    let mut environment = Environment::at_start(&cores);
    let (start, steal) = (Instant::now(), environment::steal());
    let mut groups = groups::of(plan, &cores);
    let watch = Watch { patience: plan.patience, stop };
    let outcome = all_launches(&mut groups, plan, watch, progress);
    environment.pinned = outcome.pinned;
    environment.duration_s = start.elapsed().as_secs_f64();
    environment.steal_ms = environment::steal().zip(steal).map(|(after, before)| {
        let stolen = after.saturating_sub(before);
        stolen.as_millis() as u64
    });
    environment.notes = notes(plan, &cores, &environment);
    environment.notes.extend(outcome.uncounted);
    Results {
        ipcraft: env!("CARGO_PKG_VERSION").into(),
        environment,
        results: summary::rows(&groups),
        errors: summary::errors(&groups),
        complete: outcome.complete,
    }
}

struct Outcome {
    pinned: bool,
    complete: bool,
    /// Why system calls were not counted.
    uncounted: Vec<String>,
}

/// Goes round all groups once per launch, so that a slow drift of the machine meets all of them alike.
fn all_launches(
    groups: &mut [Group],
    plan: &Plan,
    watch: Watch<'_>,
    progress: &mut dyn FnMut(&Progress),
) -> Outcome {
    let total = groups.len() * plan.launches;
    let mut budget =
        Budget::new(plan.budget, groups.iter().map(Group::weight).sum::<f64>() * plan.launches as f64);
    let mut outcome = Outcome { pinned: true, complete: false, uncounted: Vec::new() };
    let refusal = count::check().err();
    let may_count = refusal.is_none();
    outcome.uncounted.extend(refusal.map(|failure| format!("system calls not counted: {failure}")));
    for launch in 0..plan.launches {
        for (index, group) in groups.iter_mut().enumerate() {
            progress(&Progress {
                done: launch * (total / plan.launches) + index,
                total,
                label: label(group),
                remaining: budget.remaining(),
            });
            let count = launch == 0 && may_count;
            if let Err(Stopped) = outcome.step(group, &mut budget, count, watch) {
                return outcome;
            }
        }
    }
    outcome.complete = true;
    outcome
}

impl Outcome {
    /// Counting comes before the time is shared out, so that it shortens all launches alike.
    fn step(
        &mut self,
        group: &mut Group,
        budget: &mut Budget,
        count: bool,
        watch: Watch<'_>,
    ) -> Result<(), Stopped> {
        if count {
            self.count(group, watch)?;
        }
        self.pinned &= group.launch(budget.share(group.weight()), watch)?;
        Ok(())
    }

    fn count(&mut self, group: &mut Group, watch: Watch<'_>) -> Result<(), Stopped> {
        match count::count(group, watch) {
            Ok(()) => Ok(()),
            Err(Failure::Stopped) => Err(Stopped),
            Err(Failure::Failed(what)) => {
                self.uncounted.push(format!("system calls not counted for {}: {what}", label(group)));
                Ok(())
            }
        }
    }
}

fn label(group: &Group) -> String {
    match group.placement {
        Some(placement) => format!("{} {}", group.mechanism.id, placement.name()),
        None => group.mechanism.id.into(),
    }
}

fn notes(plan: &Plan, cores: &Cores, environment: &Environment) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.placements.contains(&Placement::TwoCores) && cores.seats(Placement::TwoCores).is_none() {
        notes.push("two_cores left out: this process may use only one core".into());
    }
    if !environment.pinned {
        notes.push("the kernel refused to bind processes to cores: placements are only wishes".into());
    }
    for mechanism in &plan.mechanisms {
        let (sizes, refused) = ((mechanism.sizes)(), plan.refused_sizes(mechanism));
        if !refused.is_empty() {
            let (id, least, most) = (mechanism.id, sizes.start(), sizes.end());
            notes.push(format!("{id} carries {least} to {most} bytes here: {refused:?} left out"));
        }
    }
    notes
}

/// Shares the time that is left among what is left to do.
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

    /// When something of this weight has to be done.
    fn share(&mut self, weight: f64) -> Instant {
        let share = self.remaining().mul_f64((weight / self.weight_left).clamp(0.0, 1.0));
        self.weight_left -= weight;
        Instant::now() + share
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;
    use crate::plan::Effort;
    use crate::registry::{self, Implementation};
    use crate::results::Row;
    use crate::workload::Workload;

    /// Two runs at a time would take the cores from each other.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn small() -> Plan {
        Plan {
            mechanisms: vec![registry::find("udp").unwrap()],
            budget: Duration::from_millis(300),
            launches: 2,
            patience: Duration::from_secs(600),
            ..Plan::new(Effort::Quick)
        }
    }

    fn run_through(plan: &Plan) -> Results {
        let _alone = alone();
        let results = run(plan, &AtomicBool::new(false), &mut |_| {});
        assert_eq!(results.errors, []);
        assert!(results.complete);
        results
    }

    fn row(results: &Results, implementation: Implementation, workload: Workload) -> &Row {
        let fits = |row: &&Row| {
            row.mechanism == "udp"
                && row.implementation == implementation
                && row.workload == workload
                && row.placement == Some(Placement::SameCore)
        };
        results.results.iter().find(fits).unwrap()
    }

    #[test]
    fn a_run_has_rows_for_both_implementations_and_the_floors() {
        let results = run_through(&small());
        let ours = row(&results, Implementation::Ipcraft, Workload::RoundTrip);
        assert_eq!(ours.launch_medians_ns.len(), 2);
        assert!(ours.p50_ns <= ours.p99_ns && ours.p99_ns <= ours.max_ns);
        assert!(ours.ratio_to_raw.is_some() && ours.ratio_to_floor.is_some() && ours.setup_us.is_some());
        assert!(ours.ratio_pairs >= 4);
        assert!(ours.switches_per_message > Some(0.0));
        assert_eq!(ours.syscalls_per_message, count::check().ok().map(|()| 4.0));
        assert!(ours.memory_bytes > Some(0));
        let raw = row(&results, Implementation::Raw, Workload::Stream);
        assert!(raw.ratio_to_raw.is_none() && raw.p50_ns.is_none());
        assert!(raw.bytes_per_s > Some(0.0) && raw.cpu_ns_per_message > Some(0.0));
        let floors = results.results.iter().filter(|row| row.implementation == Implementation::Floor);
        assert!(floors.count() >= 5);
    }

    #[test]
    fn messages_on_a_schedule_are_measured_too() {
        let plan = Plan { workloads: vec![Workload::Rate], placements: vec![Placement::SameCore], ..small() };
        let results = run_through(&plan);
        let ours = row(&results, Implementation::Ipcraft, Workload::Rate);
        assert_eq!(ours.rate_per_s, Some(1000.0));
        assert!(ours.samples >= 20 && ours.p50_ns > Some(0));
    }

    #[test]
    fn locks_are_held_against_their_twin_and_the_plain_one() {
        let mechanisms = vec![registry::find("sync_mutex").unwrap()];
        let results = run_through(&Plan { mechanisms, placements: vec![Placement::SameCore], ..small() });
        let of = |who| results.results.iter().filter(move |row| row.implementation == who);
        let case = |row: &Row| (row.workload, row.placement);
        let cases = [(Workload::Uncontended, None), (Workload::Contended, Some(Placement::SameCore))];
        for who in [Implementation::Ipcraft, Implementation::Raw, Implementation::Plain] {
            assert_eq!(of(who).map(case).collect::<Vec<_>>(), cases, "{who:?}");
            let is_held_against = who != Implementation::Plain;
            assert!(of(who).all(|row| row.ratio_to_plain.is_some() == is_held_against));
            assert!(of(who).all(|row| row.messages_per_s > Some(0.0)));
        }
        assert!(of(Implementation::Ipcraft).all(|row| row.ratio_to_raw.is_some()));
    }

    #[test]
    fn progress_goes_from_nothing_to_almost_all() {
        let _alone = alone();
        let mut seen = Vec::new();
        run(&small(), &AtomicBool::new(false), &mut |progress| seen.push(progress.done));
        assert_eq!(seen, (0..seen.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_request_to_stop_ends_a_run_with_what_there_is() {
        let _alone = alone();
        let stop = AtomicBool::new(false);
        let plan = Plan { budget: Duration::from_secs(3600), ..small() };
        let results = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(200));
                stop.store(true, Ordering::Relaxed);
            });
            run(&plan, &stop, &mut |_| {})
        });
        assert!(!results.complete);
        assert_eq!(results.errors, []);
    }

    #[test]
    fn the_budget_is_shared_by_weight() {
        let mut budget = Budget::new(Duration::from_secs(1000), 10.0);
        let start = Instant::now();
        let first = budget.share(1.0).duration_since(start).as_secs_f64();
        assert!((first - 100.0).abs() < 5.0, "{first}");
        let rest = budget.share(9.0).duration_since(start).as_secs_f64();
        assert!((rest - 1000.0).abs() < 5.0, "{rest}");
    }
}
