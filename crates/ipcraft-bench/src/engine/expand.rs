//! Turns a plan into the scenarios that this machine can run.

use super::plan::Plan;
use super::scenario::{BenchmarkGroup, Scenario};
use crate::catalog;
use crate::mechanism::Mechanism;
use crate::placement::{Cores, Placement};
use crate::results::Description;
use crate::workload::Workload;

/// Returns the groups of the limits, then those of the mechanisms, at every placement that this
/// machine has.
pub(crate) fn expand(plan: &Plan, cores: &Cores) -> Vec<BenchmarkGroup> {
    let mechanisms: Vec<BenchmarkGroup> =
        plan.mechanisms.iter().flat_map(|mechanism| of_mechanism(plan, mechanism, cores)).collect();
    let sizes: Vec<usize> =
        mechanisms.iter().flat_map(|group| &group.scenarios).map(|scenario| scenario.size).collect();
    let limits = catalog::limits().iter().flat_map(|limit| of_limit(plan, limit, &sizes, cores));
    limits.chain(mechanisms).filter(|group| !group.scenarios.is_empty()).collect()
}

/// Describes the mechanisms and limits of some groups, each once.
pub(crate) fn described(groups: &[BenchmarkGroup]) -> Vec<Description> {
    let mut mechanisms: Vec<&Mechanism> = groups.iter().map(|group| group.mechanism).collect();
    mechanisms.dedup_by_key(|mechanism| mechanism.id);
    mechanisms.into_iter().map(Mechanism::description).collect()
}

fn of_mechanism(plan: &Plan, mechanism: &'static Mechanism, cores: &Cores) -> Vec<BenchmarkGroup> {
    let workloads: Vec<Workload> = common(&plan.workloads, mechanism.workloads);
    let sizes = plan.sizes_of(mechanism);
    groups(plan, mechanism, &workloads, &sizes, cores)
}

/// A limit has its own sizes, except where it copies bytes.
fn of_limit(plan: &Plan, limit: &'static Mechanism, used: &[usize], cores: &Cores) -> Vec<BenchmarkGroup> {
    let mut sizes: Vec<usize> = used.iter().map(|&size| limit.nearest_size(size)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    groups(plan, limit, limit.workloads, &sizes, cores)
}

/// Workloads of a single process have no placement.
fn groups(
    plan: &Plan,
    mechanism: &'static Mechanism,
    workloads: &[Workload],
    sizes: &[usize],
    cores: &Cores,
) -> Vec<BenchmarkGroup> {
    let (single, paired): (Vec<_>, Vec<_>) = workloads.iter().partition(|workload| workload.is_single());
    let placements = common(&plan.placements, mechanism.placements);
    let single = group(mechanism, None, &single, sizes, cores);
    let group = |placement| group(mechanism, Some(placement), &paired, sizes, cores);
    single.into_iter().chain(placements.into_iter().filter_map(group)).collect()
}

fn group(
    mechanism: &'static Mechanism,
    placement: Option<Placement>,
    workloads: &[Workload],
    sizes: &[usize],
    cores: &Cores,
) -> Option<BenchmarkGroup> {
    let scenarios = |workload| sizes.iter().map(move |&size| Scenario::new(mechanism, workload, size));
    Some(BenchmarkGroup {
        mechanism,
        placement,
        cpus: cores.cpu_pair(placement.unwrap_or(Placement::SameCore))?,
        scenarios: workloads.iter().flat_map(|&workload| scenarios(workload)).collect(),
    })
}

fn common<T: Copy + PartialEq>(wanted: &[T], possible: &[T]) -> Vec<T> {
    wanted.iter().copied().filter(|item| possible.contains(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::Preset;

    fn ids(groups: &[BenchmarkGroup]) -> Vec<(&str, Option<Placement>)> {
        groups.iter().map(|group| (group.mechanism.id, group.placement)).collect()
    }

    #[test]
    fn expand_of_one_mechanism_has_it_and_the_limits() {
        let plan = Plan {
            mechanisms: vec![catalog::find("pipe").unwrap()],
            placements: vec![Placement::SameCore],
            ..Plan::new(Preset::Default)
        };
        let groups = expand(&plan, &Cores::of_this_process());
        let same = Some(Placement::SameCore);
        let expected = [
            ("futex", same),
            ("futex_awake", same),
            ("sched_yield", same),
            ("null_syscall", None),
            ("memcpy", None),
            ("pipe", same),
        ];
        assert_eq!(ids(&groups), expected);
        let scenarios: Vec<_> =
            groups[5].scenarios.iter().map(|scenario| (scenario.workload, scenario.size)).collect();
        let sizes = |workload| [64, 4096, 65_536].map(|size| (workload, size));
        assert_eq!(scenarios, [sizes(Workload::RoundTrip), sizes(Workload::Stream)].concat());
    }

    #[test]
    fn expand_measures_memcpy_at_all_sizes_in_use() {
        let plan = Plan::new(Preset::Full);
        let groups = expand(&plan, &Cores::of_this_process());
        let memcpy = groups.iter().find(|group| group.mechanism.id == "memcpy").unwrap();
        let sizes: Vec<_> = memcpy.scenarios.iter().map(|scenario| scenario.size).collect();
        assert_eq!(sizes, Preset::Full.sizes());
    }
}
