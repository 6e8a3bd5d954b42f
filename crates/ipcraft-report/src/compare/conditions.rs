//! What differs between the conditions of two runs.

use ipcraft_bench::{Distance, Environment, Results};

/// What differs between the conditions of two runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Another machine, so that no difference is one of the code.
    pub machine: Vec<String>,
    /// Other conditions that may explain differences.
    pub others: Vec<String>,
}

impl Conditions {
    pub(super) fn of(old: &Results, new: &Results) -> Conditions {
        let (a, b) = (&old.environment, &new.environment);
        let mut others = Vec::new();
        others.extend(other("kernel", &a.kernel, &b.kernel));
        others.extend(other("ipcraft", &old.ipcraft, &new.ipcraft));
        others.extend(other("topology", &topology(old), &topology(new)));
        others.extend(other("cores", &format!("{:?}", a.cores_used), &format!("{:?}", b.cores_used)));
        others.extend(other("pinning", pinning(a.pinned), pinning(b.pinned)));
        others.extend(other("preset", preset(old), preset(new)));
        others.extend(incomplete("OLD", old));
        others.extend(incomplete("NEW", new));
        Conditions { machine: other_machine(a, b), others }
    }
}

/// Returns what differs between two machines.
pub fn other_machine(old: &Environment, new: &Environment) -> Vec<String> {
    let differences = [
        other("CPU", &old.cpu, &new.cpu),
        other("architecture", &old.architecture, &new.architecture),
        other("number of cores", &old.cores_online.to_string(), &new.cores_online.to_string()),
        other("virtualization", machine_kind(old.virtualised), machine_kind(new.virtualised)),
    ];
    differences.into_iter().flatten().collect()
}

fn other(what: &str, old: &str, new: &str) -> Option<String> {
    (old != new).then(|| format!("other {what}: {old} -> {new}"))
}

fn machine_kind(virtualised: Option<bool>) -> &'static str {
    match virtualised {
        Some(true) => "virtual",
        Some(false) => "bare metal",
        None => "unknown",
    }
}

fn pinning(pinned: bool) -> &'static str {
    if pinned { "pinned" } else { "not pinned" }
}

/// Returns the distances of the two cores that occurred.
fn topology(results: &Results) -> String {
    let mut seen: Vec<Distance> = results.topology.hand_overs.iter().map(|found| found.distance).collect();
    seen.sort_unstable();
    seen.dedup();
    if seen.is_empty() {
        return "unknown".into();
    }
    seen.iter().map(|distance| distance.name()).collect::<Vec<_>>().join(" and ")
}

fn preset(results: &Results) -> &'static str {
    let given = |name: &str| results.command.iter().any(|word| word == name);
    match (given("--quick"), given("--full")) {
        (true, _) => "quick",
        (_, true) => "full",
        _ => "default",
    }
}

fn incomplete(name: &str, results: &Results) -> Option<String> {
    (!results.complete).then(|| format!("{name} is incomplete: its run was interrupted"))
}
