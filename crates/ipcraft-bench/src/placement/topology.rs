//! What sysfs reports about cores: which are hardware threads of one core, and which are of the
//! same kind.

use std::cmp::Reverse;
use std::fs;
use std::path::Path;

use super::list::parse_list;

/// Where the kernel describes the devices of this machine.
pub(super) const SYSFS: &str = "/sys";

/// What sysfs reports about one core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Core {
    id: usize,
    /// The hardware threads of the same physical core, this one included.
    siblings: Vec<usize>,
    kind: Kind,
}

/// What distinguishes fast cores from economical ones. Greater is faster.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// `cpu_capacity`, on ARM and others.
    capacity: Option<u64>,
    /// On hybrid x86: whether the core is one of `cpu_core` instead of `cpu_atom`.
    performance: Option<bool>,
    /// The highest frequency in kHz.
    max_khz: Option<u64>,
}

/// Describes the given cores. What `sysfs` does not report is left empty.
pub(super) fn read(sysfs: &Path, cores: &[usize]) -> Vec<Core> {
    let class = |name: &str| fs::read_to_string(sysfs.join("devices").join(name).join("cpus")).ok();
    let classes = class("cpu_core").zip(class("cpu_atom"));
    let performance = classes.map(|(performance, _)| parse_list(&performance));
    let core = |&id: &usize| {
        let folder = sysfs.join(format!("devices/system/cpu/cpu{id}"));
        let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let number = |name: &str| text(name)?.trim().parse().ok();
        let siblings = text("topology/core_cpus_list").or_else(|| text("topology/thread_siblings_list"));
        Core {
            id,
            siblings: siblings.map_or_else(Vec::new, |list| parse_list(&list)),
            kind: Kind {
                capacity: number("cpu_capacity"),
                performance: performance.as_ref().map(|cores| cores.contains(&id)),
                max_khz: number("cpufreq/cpuinfo_max_freq"),
            },
        }
    };
    cores.iter().map(core).collect()
}

/// Returns the two cores to measure on. It avoids hardware threads of one core first and cores of
/// different kinds second. Among the others it prefers fast ones, and then low numbers.
pub(super) fn best_pair(cores: &[Core]) -> Option<(usize, usize)> {
    let later = |index: usize| cores[index + 1..].iter();
    let pairs =
        cores.iter().enumerate().flat_map(|(index, first)| later(index).map(move |other| (first, other)));
    let rank = |(a, b): &(&Core, &Core)| {
        let slower = (&a.kind).min(&b.kind).clone();
        (a.siblings.contains(&b.id), a.kind != b.kind, Reverse(slower), a.id, b.id)
    };
    pairs.min_by_key(rank).map(|(a, b)| (a.id, b.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of a sysfs with these contents.
    fn sysfs(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join("devices").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn chosen(files: &[(&str, &str)], cores: &[usize]) -> Option<(usize, usize)> {
        best_pair(&read(sysfs(files).path(), cores))
    }

    #[test]
    fn best_pair_avoids_hardware_threads_of_one_core() {
        let threads = [
            ("system/cpu/cpu0/topology/core_cpus_list", "0-1\n"),
            ("system/cpu/cpu1/topology/core_cpus_list", "0-1\n"),
            ("system/cpu/cpu2/topology/core_cpus_list", "2-3\n"),
        ];
        assert_eq!(chosen(&threads, &[0, 1, 2]), Some((0, 2)));
        assert_eq!(chosen(&threads, &[0, 1]), Some((0, 1)));
    }

    #[test]
    fn best_pair_takes_cores_of_one_kind() {
        let capacities = [
            ("system/cpu/cpu0/cpu_capacity", "446\n"),
            ("system/cpu/cpu1/cpu_capacity", "1024\n"),
            ("system/cpu/cpu2/cpu_capacity", "446\n"),
        ];
        assert_eq!(chosen(&capacities, &[0, 1, 2]), Some((0, 2)));
    }

    #[test]
    fn best_pair_prefers_fast_cores_of_hybrid_machines() {
        let classes = [("cpu_core/cpus", "2-3\n"), ("cpu_atom/cpus", "0-1\n")];
        assert_eq!(chosen(&classes, &[0, 1, 2, 3]), Some((2, 3)));
        let frequencies = [
            ("system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3000000\n"),
            ("system/cpu/cpu1/cpufreq/cpuinfo_max_freq", "5000000\n"),
            ("system/cpu/cpu2/cpufreq/cpuinfo_max_freq", "5000000\n"),
            ("system/cpu/cpu3/cpufreq/cpuinfo_max_freq", "3000000\n"),
        ];
        assert_eq!(chosen(&frequencies, &[0, 1, 2, 3]), Some((1, 2)));
    }

    #[test]
    fn best_pair_without_sysfs_is_the_first_two() {
        assert_eq!(chosen(&[], &[4, 7, 9]), Some((4, 7)));
        assert_eq!(chosen(&[], &[4]), None);
    }
}
