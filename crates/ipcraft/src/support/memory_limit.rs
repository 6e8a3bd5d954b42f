//! The memory that the control groups of this process still allow (cgroups(7)).
//!
//! The kernel kills a process of a group that exceeds `memory.max` and cannot reclaim. Above
//! `memory.high` it delays each allocation by up to 2 s. Sources: the kernel's documentation,
//! admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1/memory.rst.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::limits::whole_text;
use crate::error::Limit;

/// The part of a group's memory that the kernel takes for page tables and indexes of the pages:
/// about one part in 230 of populated shared memory.
const OVERHEAD_DIVISOR: u64 = 128;

/// Values from here on stand for no limit: version 1 writes the largest number of whole pages.
const UNLIMITED: u64 = 1 << 62;

/// The group limit with the least memory left, over all groups up to the visible root. `None` if
/// all limits leave `needed` bytes without reclaiming.
pub(crate) fn of_groups(needed: u64, free_swap: u64) -> Option<Limit> {
    let groups = whole_text("/proc/self/cgroup")?;
    let mounts = whole_text("/proc/self/mountinfo")?;
    tightest(&groups, &mounts, needed, free_swap)
}

/// The same for the texts of cgroups(7) and proc_pid_mountinfo(5).
fn tightest(groups: &str, mounts: &str, needed: u64, free_swap: u64) -> Option<Limit> {
    let levels = |version| groups_of_process(groups, mounts, version).unwrap_or_default();
    let (first, second) = (levels(Version::One), levels(Version::Two));
    let free_swap = match free_swap {
        0 => 0,
        free => second.iter().filter_map(|group| swap_room(group)).fold(free, u64::min),
    };
    let request = Request { needed, free_swap };
    let first = first.iter().enumerate().flat_map(|(i, group)| request.version_one(group, i == 0));
    let second = second.iter().flat_map(|group| request.version_two(group));
    first.chain(second).min_by_key(|limit| limit.value)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The directories of the process's group and of all groups above it, up to the mount point.
fn groups_of_process(groups: &str, mounts: &str, version: Version) -> Option<Vec<PathBuf>> {
    let path = groups.lines().find_map(|line| path_of_group(line, version))?;
    // A container may see several mounts. The one with the shortest root shows the most levels.
    let (_, mount, below) = mounts
        .lines()
        .filter_map(|line| mount_of(line, version))
        .filter_map(|(root, mount)| Some((root.len(), mount, Path::new(path).strip_prefix(root).ok()?)))
        .min_by_key(|&(length, ..)| length)?;
    let own = Path::new(mount).join(below);
    // The path of a group outside of the cgroup namespace begins with `/..`.
    if below.components().any(|part| part.as_os_str() == "..") {
        return None;
    }
    Some(own.ancestors().take_while(|group| group.starts_with(mount)).map(Path::to_owned).collect())
}

/// The path in a line `ID:CONTROLLERS:PATH`; version 2 has the id 0 and no controllers.
fn path_of_group(line: &str, version: Version) -> Option<&str> {
    let (id, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let found = match version {
        Version::One => controllers.split(',').any(|name| name == "memory"),
        Version::Two => id == "0" && controllers.is_empty(),
    };
    found.then_some(path)
}

/// The root within the hierarchy, and the mount point, if the line mounts the hierarchy that limits
/// memory.
fn mount_of(line: &str, version: Version) -> Option<(&str, &str)> {
    let (place, source) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, mount) = (place.next()?, place.next()?);
    let mut source = source.split(' ');
    let found = match (version, source.next()?) {
        (Version::One, "cgroup") => source.nth(1)?.split(',').any(|option| option == "memory"),
        (Version::Two, "cgroup2") => true,
        _ => false,
    };
    found.then_some((root, mount))
}

/// The bytes that are needed, and the swap that may take others instead.
struct Request {
    needed: u64,
    free_swap: u64,
}

impl Request {
    /// Swap counts towards `memsw` limits and not towards memory limits. A group above the
    /// process's own applies if it uses the hierarchy, as all do from Linux 5.11.
    fn version_one(&self, group: &Path, is_own: bool) -> Vec<Limit> {
        let left = |name, limit, usage, swap| {
            let reclaimable = || reclaimable(group, ["total_inactive_file", "total_active_file"]);
            let usage = || match is_own || number(group, "memory.use_hierarchy") != Some(0) {
                true => number(group, usage),
                false => None,
            };
            self.left(name, number(group, limit)?, usage, swap, reclaimable)
        };
        [
            left(
                "memory left under memory.limit_in_bytes",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                self.free_swap,
            ),
            left(
                "memory left under memory.memsw.limit_in_bytes",
                "memory.memsw.limit_in_bytes",
                "memory.memsw.usage_in_bytes",
                0,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn version_two(&self, group: &Path) -> Vec<Limit> {
        let left = |name, limit| {
            let usage = || number(group, "memory.current");
            let reclaimable = || reclaimable(group, ["inactive_file", "active_file", "slab_reclaimable"]);
            self.left(name, number(group, limit)?, usage, self.free_swap, reclaimable)
        };
        [
            left("memory left under memory.max", "memory.max"),
            left("memory left under memory.high", "memory.high"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What a limit leaves; `None` if that is enough without reclaiming. `memory.stat` is the
    /// slowest file of a group, so it is read last.
    fn left(
        &self,
        name: &'static str,
        limit: u64,
        usage: impl FnOnce() -> Option<u64>,
        swap: u64,
        reclaimable: impl FnOnce() -> u64,
    ) -> Option<Limit> {
        if limit >= UNLIMITED {
            return None;
        }
        let (limit, usage) = (limit.saturating_add(swap), usage()?);
        let left = |limit: u64| {
            let left = limit.saturating_sub(usage);
            left - left / OVERHEAD_DIVISOR
        };
        if left(limit) >= self.needed {
            return None;
        }
        Some(Limit { name, value: left(limit.saturating_add(reclaimable())), requested: None })
    }
}

/// The swap that a group of version 2 may still use.
fn swap_room(group: &Path) -> Option<u64> {
    Some(number(group, "memory.swap.max")?.saturating_sub(number(group, "memory.swap.current")?))
}

/// The memory that the kernel can free without swap: the cache of files, which excludes shared
/// memory, and some of the kernel's own.
fn reclaimable<const N: usize>(group: &Path, names: [&str; N]) -> u64 {
    let text = whole_text(group.join("memory.stat")).unwrap_or_default();
    let values = text.lines().filter_map(|line| line.split_once(' '));
    values.filter(|(name, _)| names.contains(name)).filter_map(|(_, value)| value.parse::<u64>().ok()).sum()
}

/// The number in a file of a group; `None` if there is no such file or limit (`max`).
fn number(group: &Path, file: &str) -> Option<u64> {
    let mut bytes = [0; 32];
    let length = File::open(group.join(file)).ok()?.read(&mut bytes).ok()?;
    std::str::from_utf8(&bytes[..length]).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use tempfile::TempDir;

    const MIB: u64 = 1 << 20;

    /// A directory with the files of groups, each `PATH CONTENTS`.
    fn files(all: &[(&str, &str)]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, contents) in all {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        dir
    }

    fn mount(root: &str, dir: &Path, source: &str) -> String {
        format!("25 30 0:26 {root} {} rw,nosuid shared:4 - {source}\n", dir.display())
    }

    fn less_overhead(bytes: u64) -> u64 {
        bytes - bytes / OVERHEAD_DIVISOR
    }

    #[test]
    fn tightest_of_nested_groups_of_version_2_is_found_up_the_tree() {
        let dir = files(&[
            ("slice/memory.max", "67108864\n"),
            ("slice/memory.high", "max\n"),
            ("slice/memory.current", "20971520\n"),
            ("slice/memory.stat", "anon 1\nfile 9437184\ninactive_file 4194304\nactive_file 1048576\n"),
            ("slice/job/memory.max", "max\n"),
            ("slice/job/memory.high", "1073741824\n"),
            ("slice/job/memory.current", "1048576\n"),
            ("slice/job/threads/cgroup.procs", ""),
        ]);
        let mounts = mount("/", dir.path(), "cgroup2 cgroup2 rw");
        let limit = tightest("0::/slice/job/threads\n", &mounts, u64::MAX, 0).unwrap();
        assert_eq!(limit.name, "memory left under memory.max");
        assert_eq!(limit.value, less_overhead((64 - 20 + 5) * MIB));
        assert_eq!(tightest("0::/\n", &mounts, u64::MAX, 0), None, "the root has no limit");
        let fits = less_overhead(44 * MIB);
        assert_eq!(tightest("0::/slice/job/threads\n", &mounts, fits, 0), None);
        assert!(tightest("0::/slice/job/threads\n", &mounts, fits + 1, 0).is_some());
    }

    #[test]
    fn high_limit_and_allowed_swap_count() {
        let dir = files(&[
            ("job/memory.max", "67108864\n"),
            ("job/memory.high", "33554432\n"),
            ("job/memory.current", "34603008\n"),
            ("job/memory.swap.max", "8388608\n"),
            ("job/memory.swap.current", "2097152\n"),
        ]);
        let mounts = mount("/", dir.path(), "cgroup2 none rw");
        let limit = |swap| tightest("0::/job\n", &mounts, u64::MAX, swap).unwrap();
        assert_eq!((limit(0).name, limit(0).value), ("memory left under memory.high", 0));
        assert_eq!(limit(1 << 40).value, less_overhead((32 + 6 - 33) * MIB), "the group may swap 6 MiB");
        assert_eq!(limit(2 * MIB).value, less_overhead(MIB), "the machine has 2 MiB of swap");
    }

    #[test]
    fn groups_of_version_1_in_a_container_start_at_the_mounted_root() {
        let dir = files(&[
            ("memory.limit_in_bytes", "67108864\n"),
            ("memory.usage_in_bytes", "3145728\n"),
            ("memory.memsw.limit_in_bytes", "69206016\n"),
            ("memory.memsw.usage_in_bytes", "4194304\n"),
            ("memory.stat", "inactive_file 9\ntotal_inactive_file 1048576\ntotal_active_file 1048576\n"),
        ]);
        let mounts = mount("/docker/abc", dir.path(), "cgroup cgroup rw,memory")
            + &mount("/", Path::new("/none"), "cgroup cgroup rw,cpu");
        let groups = "9:name=systemd:/docker/abc\n4:hugetlb,memory:/docker/abc\n0::/\n";
        let limit = tightest(groups, &mounts, u64::MAX, 0).unwrap();
        assert_eq!(limit.name, "memory left under memory.limit_in_bytes");
        assert_eq!(limit.value, less_overhead((64 - 3 + 2) * MIB));
        let limit = tightest(groups, &mounts, u64::MAX, 1 << 40).unwrap();
        assert_eq!(limit.name, "memory left under memory.memsw.limit_in_bytes");
        assert_eq!(limit.value, less_overhead((66 - 4 + 2) * MIB));
    }

    #[test]
    fn upper_group_of_version_1_counts_if_it_uses_the_hierarchy() {
        let limits = |name: &str, hierarchy: &str| {
            let dir = files(&[
                ("memory.use_hierarchy", hierarchy),
                ("memory.limit_in_bytes", "1048576\n"),
                ("memory.usage_in_bytes", "0\n"),
                ("job/memory.use_hierarchy", "0\n"),
                ("job/memory.limit_in_bytes", "9223372036854771712\n"),
                ("job/memory.usage_in_bytes", "4096\n"),
            ]);
            let mounts = mount("/", dir.path(), "cgroup cgroup rw,memory");
            tightest(&format!("4:memory:{name}\n"), &mounts, u64::MAX, 0).map(|limit| limit.value)
        };
        assert_eq!(limits("/job", "1\n"), Some(less_overhead(MIB)));
        assert_eq!(limits("/job", "0\n"), None);
        assert_eq!(limits("/", "0\n"), Some(less_overhead(MIB)), "a process in the group itself");
    }

    #[test]
    fn unreachable_or_missing_groups_have_no_limit() {
        let dir = files(&[("memory.max", "4096\n"), ("memory.current", "0\n")]);
        let mounts = mount("/", dir.path(), "cgroup2 none rw");
        assert!(tightest("0::/\n", &mounts, u64::MAX, 0).is_some());
        assert_eq!(tightest("0::/../other\n", &mounts, u64::MAX, 0), None);
        assert_eq!(tightest("0::/a\n", &mount("/b", dir.path(), "cgroup2 none rw"), u64::MAX, 0), None);
        assert_eq!(tightest("", &mounts, u64::MAX, 0), None);
        assert_eq!(tightest("0::/\n", "nonsense\n", u64::MAX, 0), None);
    }

    #[test]
    fn of_groups_reads_the_groups_of_this_process() {
        // Whether a limit applies depends on the machine. A limit always leaves something here.
        assert!(of_groups(1, 0).is_none_or(|limit| limit.value > 0));
    }
}
