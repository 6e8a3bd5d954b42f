//! The core that each of the two processes runs on.

use std::fs;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Where the two processes of a connection run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Each on its own core.
    TwoCores,
    /// Both on one core.
    SameCore,
}

impl Placement {
    /// All placements.
    pub const ALL: &'static [Placement] = &[Placement::TwoCores, Placement::SameCore];

    /// Returns the name used in results and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Placement::TwoCores => "two_cores",
            Placement::SameCore => "same_core",
        }
    }
}

/// The cores that this process may use, and the two that measurements use.
#[derive(Clone, Debug)]
pub struct Cores {
    allowed: Vec<usize>,
    second: Option<usize>,
}

/// The cores of the two processes of one connection. `None` leaves the choice to the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuPair {
    /// Core of the client.
    pub client: Option<usize>,
    /// Core of the server.
    pub server: Option<usize>,
}

impl Cores {
    /// Reads the affinity of this process (`sched_getaffinity(2)`).
    pub fn of_this_process() -> Cores {
        let allowed = allowed_cores();
        let second = second_core(&allowed);
        Cores { allowed, second }
    }

    /// Returns the cores that this process may use. Empty if the affinity cannot be read.
    pub fn allowed(&self) -> &[usize] {
        &self.allowed
    }

    /// Returns the cores for a placement, or `None` if this machine has too few.
    pub fn cpu_pair(&self, placement: Placement) -> Option<CpuPair> {
        let first = self.allowed.first().copied();
        let server = match placement {
            Placement::TwoCores => Some(self.second?),
            Placement::SameCore => first,
        };
        Some(CpuPair { client: first, server })
    }
}

fn allowed_cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else {
        return Vec::new();
    };
    (0..CpuSet::count()).filter(|&core| set.is_set(core).unwrap_or(false)).collect()
}

/// Returns a core that is no hardware thread of the first one, if possible.
fn second_core(allowed: &[usize]) -> Option<usize> {
    let (&first, others) = allowed.split_first()?;
    let siblings = siblings_of(first);
    let apart = others.iter().find(|core| !siblings.contains(core));
    apart.or(others.first()).copied()
}

fn siblings_of(core: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    fs::read_to_string(path).map_or_else(|_| Vec::new(), |list| parse_list(&list))
}

/// Parses the kernel's list notation, such as `0-2,5`.
fn parse_list(list: &str) -> Vec<usize> {
    let span = |part: &str| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        Some(low.parse().ok()?..=high.parse().ok()?)
    };
    list.trim().split(',').filter_map(span).flatten().collect()
}

/// Binds the calling thread to a core (`sched_setaffinity(2)`). Returns false if the kernel
/// refuses.
pub fn pin(core: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(core).is_ok() && sched_setaffinity(Pid::from_raw(0), &set).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_list_reads_ranges_and_single_cores() {
        assert_eq!(parse_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_list("3"), [3]);
        assert!(parse_list("\n").is_empty());
    }

    #[test]
    fn one_core_allows_only_same_core() {
        let cores = Cores { allowed: vec![4], second: second_core(&[4]) };
        assert_eq!(cores.cpu_pair(Placement::TwoCores), None);
        let both = CpuPair { client: Some(4), server: Some(4) };
        assert_eq!(cores.cpu_pair(Placement::SameCore), Some(both));
    }

    #[test]
    fn unknown_affinity_pins_nothing() {
        let cores = Cores { allowed: Vec::new(), second: None };
        let free = CpuPair { client: None, server: None };
        assert_eq!(cores.cpu_pair(Placement::SameCore), Some(free));
    }

    #[test]
    fn two_cores_are_distinct() {
        let cores = Cores::of_this_process();
        if let Some(cpus) = cores.cpu_pair(Placement::TwoCores) {
            assert_ne!(cpus.client, cpus.server);
        }
    }
}
