//! The limit behind a failed fork.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::resource::Resource;

use super::limits;
use crate::error::Limit;

/// Returns the limit behind `EAGAIN` of fork(2): `pids.max` of a control group that is full, or
/// else `RLIMIT_NPROC` of the user.
pub(crate) fn processes() -> Option<Limit> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let full = groups.lines().filter_map(directory).find_map(|(root, group)| full_group(root, &group));
    full.or_else(|| {
        let own = limits::rlimit("RLIMIT_NPROC", Resource::RLIMIT_NPROC, None);
        own.filter(|limit| limit.value != libc::RLIM_INFINITY)
    })
}

/// The directory of a line of proc_pid_cgroup(5) that counts processes, below its root: version 2,
/// or the controller of version 1.
fn directory(line: &str) -> Option<(&'static Path, PathBuf)> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let root = match controllers {
        "" => "/sys/fs/cgroup",
        some if some.split(',').any(|name| name == "pids") => "/sys/fs/cgroup/pids",
        _ => return None,
    };
    Some((Path::new(root), Path::new(root).join(path.trim_start_matches('/'))))
}

/// A group of the tree that has as many processes as it may have.
fn full_group(root: &Path, group: &Path) -> Option<Limit> {
    let number = |file: PathBuf| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let groups = group.ancestors().take_while(|ancestor| ancestor.starts_with(root));
    groups
        .filter_map(|group| Some((number(group.join("pids.current"))?, number(group.join("pids.max"))?)))
        .find(|(current, max)| current >= max)
        .map(|(current, value)| Limit { name: "pids.max of the cgroup", value, requested: Some(current + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_group_above_the_own_one_is_found() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("a/b");
        fs::create_dir_all(&own).unwrap();
        let write = |group: &Path, current: &str, max: &str| {
            fs::write(group.join("pids.current"), current).unwrap();
            fs::write(group.join("pids.max"), max).unwrap();
        };
        write(&own, "3\n", "max\n");
        write(&root.path().join("a"), "9\n", "10\n");
        assert_eq!(full_group(root.path(), &own), None);
        write(&root.path().join("a"), "10\n", "10\n");
        let limit = full_group(root.path(), &own).unwrap();
        assert_eq!((limit.value(), limit.requested()), (10, Some(11)));
    }

    #[test]
    fn directory_is_that_of_the_controller_of_processes() {
        let below = |line| directory(line).map(|(_, group)| group);
        assert_eq!(below("0::/user/x"), Some("/sys/fs/cgroup/user/x".into()));
        assert_eq!(below("7:cpu,pids:/"), Some("/sys/fs/cgroup/pids/".into()));
        assert_eq!(below("7:memory:/x"), None);
        assert_eq!(below("garbage"), None);
    }
}
