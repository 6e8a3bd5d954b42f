//! The cores that this process may use, and the two that measurements use.

use std::io;
use std::path::Path;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use super::list::format_list;
use super::topology::{self, SYSFS};
use super::{CpuPair, Placement};

/// The cores that this process may use, and the two that measurements use.
#[derive(Clone, Debug)]
pub struct Cores {
    allowed: Vec<usize>,
    first: Option<usize>,
    second: Option<usize>,
}

impl Cores {
    /// Reads the affinity of this process (`sched_getaffinity(2)`) and chooses two cores.
    ///
    /// Where sysfs distinguishes them, the two are no hardware threads of one core and of the same
    /// kind, and fast rather than economical.
    pub fn of_this_process() -> Cores {
        let allowed = allowed_cores();
        let pair = topology::best_pair(&topology::read(Path::new(SYSFS), &allowed));
        let first = pair.map(|(first, _)| first).or_else(|| allowed.first().copied());
        Cores { allowed, first, second: pair.map(|(_, second)| second) }
    }

    /// Uses the given cores: those of client and server, or one for both.
    ///
    /// # Errors
    /// `InvalidInput` if this process may not use one of them, or if they are not one or two
    /// different ones.
    pub fn requested(cores: &[usize]) -> io::Result<Cores> {
        select(allowed_cores(), cores).map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))
    }

    /// Returns the cores that this process may use. Empty if the affinity cannot be read.
    pub fn allowed(&self) -> &[usize] {
        &self.allowed
    }

    /// Returns the cores that measurements use: the client's, then the server's if it is another.
    pub fn used(&self) -> Vec<usize> {
        self.first.into_iter().chain(self.second).collect()
    }

    /// Returns the cores for a placement, or `None` if there are too few.
    pub fn cpu_pair(&self, placement: Placement) -> Option<CpuPair> {
        let server = match placement {
            Placement::TwoCores => Some(self.second?),
            Placement::SameCore => self.first,
        };
        Some(CpuPair { client: self.first, server })
    }
}

fn select(allowed: Vec<usize>, cores: &[usize]) -> Result<Cores, String> {
    let (first, second) = match *cores {
        [only] => (only, None),
        [first, second] if first != second => (first, Some(second)),
        _ => return Err("cores: expected one core or two different ones".into()),
    };
    if let Some(refused) = cores.iter().find(|core| !allowed.contains(core)) {
        let allowed = format_list(&allowed);
        return Err(format!("core {refused} is not allowed for this process; choose from {allowed}"));
    }
    Ok(Cores { allowed, first: Some(first), second })
}

fn allowed_cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else {
        return Vec::new();
    };
    (0..CpuSet::count()).filter(|&core| set.is_set(core).unwrap_or(false)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_allows_only_same_core() {
        let cores = select(vec![3, 4], &[4]).unwrap();
        assert_eq!(cores.cpu_pair(Placement::TwoCores), None);
        let both = CpuPair { client: Some(4), server: Some(4) };
        assert_eq!(cores.cpu_pair(Placement::SameCore), Some(both));
        assert_eq!(cores.used(), [4]);
    }

    #[test]
    fn requested_cores_keep_their_order() {
        let cores = select(vec![2, 3], &[3, 2]).unwrap();
        let pair = CpuPair { client: Some(3), server: Some(2) };
        assert_eq!(cores.cpu_pair(Placement::TwoCores), Some(pair));
    }

    #[test]
    fn requested_core_that_is_not_allowed_fails_and_lists_the_allowed_ones() {
        let error = select(vec![0, 1, 2, 5], &[1, 7]).unwrap_err();
        assert_eq!(error, "core 7 is not allowed for this process; choose from 0-2,5");
        for wrong in [&[][..], &[1, 1], &[0, 1, 2]] {
            assert!(select(vec![0, 1, 2], wrong).unwrap_err().contains("two different"), "{wrong:?}");
        }
    }

    #[test]
    fn unknown_affinity_pins_nothing() {
        let cores = Cores { allowed: Vec::new(), first: None, second: None };
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
