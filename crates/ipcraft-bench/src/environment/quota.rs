//! The CPU time that the control groups of this process allow.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the smallest quota of this process' control groups and their parents, in cores. `None`
/// without a quota.
pub(super) fn of_this_process() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    smallest(Path::new("/sys/fs/cgroup"), &groups)
}

/// `root` is where the hierarchies are mounted, `groups` the text of `/proc/self/cgroup`.
fn smallest(root: &Path, groups: &str) -> Option<f64> {
    groups.lines().filter_map(|line| of_line(root, line)).reduce(f64::min)
}

/// A line is `ID:CONTROLLERS:PATH`; version 2 has no controllers.
fn of_line(root: &Path, line: &str) -> Option<f64> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    if controllers.is_empty() {
        let mounts = [root.to_owned(), root.join("unified")];
        return mounts.iter().filter_map(|mount| up_the_tree(mount, path, version_2)).reduce(f64::min);
    }
    let has_cpu = controllers.split(',').any(|controller| controller == "cpu");
    let mounts = [root.join(controllers), root.join("cpu")];
    let quota = |mount: &PathBuf| up_the_tree(mount, path, version_1);
    mounts.iter().filter(|_| has_cpu).filter_map(quota).reduce(f64::min)
}

/// Returns the smallest quota of a group and its parents up to the mount. Inside a container the
/// path may begin above the mount; then only the mount itself is found.
fn up_the_tree(mount: &Path, path: &str, quota: fn(&Path) -> Option<f64>) -> Option<f64> {
    let group = mount.join(path.trim_start_matches('/'));
    let groups = group.ancestors().take_while(|group| group.starts_with(mount));
    groups.filter_map(quota).reduce(f64::min)
}

/// `cpu.max` holds a quota and a period, or `max`.
fn version_2(group: &Path) -> Option<f64> {
    let text = fs::read_to_string(group.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    cores(quota, period)
}

/// A quota of -1 is none.
fn version_1(group: &Path) -> Option<f64> {
    let text = |name: &str| fs::read_to_string(group.join(name)).ok();
    cores(text("cpu.cfs_quota_us")?.trim(), text("cpu.cfs_period_us")?.trim())
}

fn cores(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(files: &[(&str, &str)], groups: &str) -> Option<f64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        smallest(root.path(), groups)
    }

    #[test]
    fn quota_of_version_2_is_the_smallest_up_the_tree() {
        let files =
            [("a/cpu.max", "50000 100000\n"), ("a/b/cpu.max", "max 100000\n"), ("cpu.max", "max 1\n")];
        assert_eq!(quota(&files, "0::/a/b\n"), Some(0.5));
        assert_eq!(quota(&files, "0::/\n"), None);
        assert_eq!(quota(&[("unified/cpu.max", "300000 100000\n")], "0::/\n"), Some(3.0));
    }

    #[test]
    fn quota_of_version_1_is_read_from_the_cpu_controller() {
        let files = [
            ("cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n"),
            ("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n"),
            ("cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ];
        assert_eq!(quota(&files, "3:memory:/a\n2:cpu,cpuacct:/a\n"), Some(1.5));
        assert_eq!(quota(&files, "2:cpu,cpuacct:/\n"), None);
        assert_eq!(quota(&files, "3:memory:/a\n"), None);
    }

    #[test]
    fn quota_of_a_container_whose_path_is_outside_is_that_of_the_mount() {
        assert_eq!(quota(&[("cpu.max", "100000 100000\n")], "0::/outside/x\n"), Some(1.0));
    }
}
