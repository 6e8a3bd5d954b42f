//! Whether the kernel gives each session a share of its own.

use std::fs;
use std::path::Path;
use std::process;

use super::groups::{Membership, cpu_group, own_memberships};
use super::trial::io_failed;

/// Fails with the reason if sessions do not share the CPU here.
///
/// An autogroup acts only on processes in the root group of the cpu controller. A control group
/// namespace shows any group as `/`, so the path alone proves nothing: the group must have the
/// files of a root and list this process.
pub(crate) fn check_autogroup() -> Result<(), String> {
    let setting = "/proc/sys/kernel/sched_autogroup_enabled";
    let enabled = fs::read_to_string(setting).map_err(|error| io_failed(setting, &error))?;
    if enabled.trim() != "1" {
        return Err(format!("{setting}: {}, needs 1", enabled.trim()));
    }
    let own = fs::read_to_string("/proc/self/autogroup").unwrap_or_default();
    if own.trim().is_empty() {
        return Err("this session has no autogroup: start the command by setsid(1)".into());
    }
    // A kernel without control groups has only a root group.
    own_memberships().map_or(Ok(()), |memberships| check_root_group(&memberships))
}

fn check_root_group(memberships: &[Membership]) -> Result<(), String> {
    let Some(group) = cpu_group(memberships) else { return Ok(()) };
    let Some((mount, own)) = group.mount_and_directory() else {
        return Err("cannot see whether this process is in the root CPU group".into());
    };
    if !lists_this_process(&own) {
        return Err("this process is in a CPU group outside of its control group namespace".into());
    }
    let is_root = |directory: &Path| {
        let only_on_root = directory.join("release_agent");
        let never_on_root = directory.join("cgroup.events");
        if group.is_version_2() { !never_on_root.exists() } else { only_on_root.exists() }
    };
    // Version 2 schedules by the nearest group above that has the controller.
    let mut above = own.ancestors().take_while(|directory| directory.starts_with(&mount));
    let is_grouped = if group.is_version_2() {
        above.any(|directory| directory.join("cpu.weight").exists())
    } else {
        own != mount
    };
    if is_grouped || !is_root(&mount) {
        return Err(format!("no effect in the CPU group {}", own.display()));
    }
    Ok(())
}

fn lists_this_process(directory: &Path) -> bool {
    let own = process::id().to_string();
    fs::read_to_string(directory.join("cgroup.procs"))
        .is_ok_and(|processes| processes.lines().any(|line| line == own))
}
