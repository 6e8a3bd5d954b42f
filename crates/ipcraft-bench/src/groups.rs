//! What a plan comes to on this machine.

use crate::interleave::{Case, Group};
use crate::placement::{Cores, Placement};
use crate::plan::Plan;
use crate::registry::{self, Mechanism};
use crate::workload::Workload;

/// The floors, then the mechanisms, each at every placement that this machine has.
pub(crate) fn of(plan: &Plan, cores: &Cores) -> Vec<Group> {
    let mechanisms: Vec<Group> =
        plan.mechanisms.iter().flat_map(|mechanism| placed(plan, mechanism, cores)).collect();
    let sizes: Vec<usize> = mechanisms.iter().flat_map(|group| &group.cases).map(|case| case.size).collect();
    let floors = registry::floors().iter().flat_map(|floor| floor_groups(plan, floor, &sizes, cores));
    floors.chain(mechanisms).filter(|group| !group.cases.is_empty()).collect()
}

fn placed(plan: &Plan, mechanism: &'static Mechanism, cores: &Cores) -> Vec<Group> {
    let workloads: Vec<Workload> = common(&plan.workloads, mechanism.workloads);
    let sizes = plan.sizes_of(mechanism);
    groups(plan, mechanism, &workloads, &sizes, cores)
}

/// A floor has sizes of its own, except where copying bytes is the point.
fn floor_groups(plan: &Plan, floor: &'static Mechanism, used: &[usize], cores: &Cores) -> Vec<Group> {
    let mut sizes: Vec<usize> = used.iter().map(|&size| floor.nearest_size(size)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    groups(plan, floor, floor.workloads, &sizes, cores)
}

/// What one process does alone has no placement.
fn groups(
    plan: &Plan,
    mechanism: &'static Mechanism,
    workloads: &[Workload],
    sizes: &[usize],
    cores: &Cores,
) -> Vec<Group> {
    let (alone, paired): (Vec<_>, Vec<_>) = workloads.iter().partition(|workload| workload.is_alone());
    let placements = common(&plan.placements, mechanism.placements);
    let alone = group(mechanism, None, &alone, sizes, cores);
    let group = |placement| group(mechanism, Some(placement), &paired, sizes, cores);
    alone.into_iter().chain(placements.into_iter().filter_map(group)).collect()
}

fn group(
    mechanism: &'static Mechanism,
    placement: Option<Placement>,
    workloads: &[Workload],
    sizes: &[usize],
    cores: &Cores,
) -> Option<Group> {
    let case = |workload| sizes.iter().map(move |&size| Case::new(mechanism, workload, size));
    Some(Group {
        mechanism,
        placement,
        seats: cores.seats(placement.unwrap_or(Placement::SameCore))?,
        cases: workloads.iter().flat_map(|&workload| case(workload)).collect(),
    })
}

fn common<T: Copy + PartialEq>(wanted: &[T], possible: &[T]) -> Vec<T> {
    wanted.iter().copied().filter(|item| possible.contains(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Effort;

    fn ids(groups: &[Group]) -> Vec<(&str, Option<Placement>)> {
        groups.iter().map(|group| (group.mechanism.id, group.placement)).collect()
    }

    #[test]
    fn a_plan_for_one_mechanism_has_that_and_the_floors() {
        let plan = Plan {
            mechanisms: vec![registry::find("pipe").unwrap()],
            placements: vec![Placement::SameCore],
            ..Plan::new(Effort::Default)
        };
        let groups = of(&plan, &Cores::of_this_process());
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
        let cases: Vec<_> = groups[5].cases.iter().map(|case| (case.workload, case.size)).collect();
        let sizes = |workload| [64, 4096, 65_536].map(|size| (workload, size));
        assert_eq!(cases, [sizes(Workload::RoundTrip), sizes(Workload::Stream)].concat());
    }

    #[test]
    fn copying_is_measured_at_all_sizes_in_use() {
        let plan = Plan::new(Effort::Full);
        let groups = of(&plan, &Cores::of_this_process());
        let memcpy = groups.iter().find(|group| group.mechanism.id == "memcpy").unwrap();
        let sizes: Vec<_> = memcpy.cases.iter().map(|case| case.size).collect();
        assert_eq!(sizes, Effort::Full.sizes());
    }
}
