//! Figures of proc(5).

use std::fs;

/// Returns the figure of a line `name: figure kB` in bytes; a line without a unit as it is.
pub(super) fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let mut words = rest.split_whitespace();
    let figure: u64 = words.next()?.parse().ok()?;
    Some(if words.next() == Some("kB") { figure << 10 } else { figure })
}

/// Returns the number in a file. `None` for `max` and for a file that is missing.
pub(super) fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the number of tasks on the system.
pub(super) fn tasks() -> Option<u64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

/// Returns the number of tasks of a user.
pub(super) fn tasks_of_user(uid: u32) -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let status = processes.filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    let line = |text: &str, name: &str| -> Option<u64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let own = status.filter(|text| line(text, "Uid:") == Some(u64::from(uid)));
    own.filter_map(|text| line(&text, "Threads:")).sum()
}

/// Returns the directories of this process's control groups that may limit a resource, from its own
/// group up to the visible root.
pub(super) fn groups(controller: &str) -> Vec<String> {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    text.lines().flat_map(|line| directories(line, controller)).collect()
}

/// The directories of a line of proc_pid_cgroup(5), in version 2 or version 1.
fn directories(line: &str, controller: &str) -> Vec<String> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { return Vec::new() };
    let root = match controllers {
        "" => "/sys/fs/cgroup".to_owned(),
        some if some.split(',').any(|name| name == controller) => format!("/sys/fs/cgroup/{controller}"),
        _ => return Vec::new(),
    };
    let mut found = vec![root.clone()];
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let parent = found.last().cloned().unwrap_or_default();
        found.push(format!("{parent}/{part}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_reach_from_the_root_to_the_own_group() {
        assert_eq!(
            directories("0::/a/b", "pids"),
            ["/sys/fs/cgroup", "/sys/fs/cgroup/a", "/sys/fs/cgroup/a/b"]
        );
        assert_eq!(directories("8:pids:/", "pids"), ["/sys/fs/cgroup/pids"]);
        assert_eq!(directories("4:memory:/a", "pids"), Vec::<String>::new());
    }

    #[test]
    fn fields_of_this_process_are_found() {
        assert!(field("/proc/self/status", "VmSize") > Some(1 << 20));
        assert!(field("/proc/self/status", "Threads") >= Some(1));
        assert_eq!(field("/proc/self/status", "Nothing"), None);
        assert!(tasks() > Some(1));
        assert!(tasks_of_user(nix::unistd::getuid().as_raw()) >= 1);
    }
}
