//! Groups of processes: autogroups and control groups.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use super::autogroup::check_autogroup;
use super::trial::{Found, Trial, in_child, io_failed};
use crate::Error;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        name: "autogroup: a share for each session",
        needs: "kernel.sched_autogroup_enabled=1, and this process in the root CPU group",
        used_by: "schedule",
        run: autogroup,
    },
    Trial {
        name: "share of a control group (cpu)",
        needs: "a writable control group with the cpu controller: root, or systemd-run --user --scope",
        used_by: "schedule",
        run: share,
    },
    Trial {
        name: "freezing a control group",
        needs: "a writable control group of version 2: root, or systemd-run --user --scope",
        used_by: "no command",
        run: freezing,
    },
];

const MOUNT: &str = "/sys/fs/cgroup";

/// A control group of this process.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// Empty for version 2.
    controllers: String,
    pub(super) path: String,
}

impl Membership {
    fn has_cpu(&self) -> bool {
        self.controllers.split(',').any(|controller| controller == "cpu")
    }

    pub(super) fn is_version_2(&self) -> bool {
        self.controllers.is_empty()
    }

    /// Where the group is. In a container its path may begin above the mount: then the mount is the
    /// group.
    fn directory(&self) -> Option<PathBuf> {
        self.mount_and_directory().map(|(_, directory)| directory)
    }

    pub(super) fn mount_and_directory(&self) -> Option<(PathBuf, PathBuf)> {
        let mounts: &[&str] =
            if self.is_version_2() { &["", "unified"] } else { &[&self.controllers, "cpu"] };
        let mounts = mounts.iter().map(|mount| Path::new(MOUNT).join(mount));
        let mount = mounts.into_iter().find(|mount| mount.join("cgroup.procs").exists())?;
        let own = mount.join(self.path.trim_start_matches('/'));
        let own = if own.is_dir() { own } else { mount.clone() };
        Some((mount, own))
    }
}

/// Parses `/proc/self/cgroup`, whose lines are `ID:CONTROLLERS:PATH`.
pub(super) fn memberships(text: &str) -> Vec<Membership> {
    let membership = |line: &str| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        Some(Membership { controllers: controllers.into(), path: path.into() })
    };
    text.lines().filter_map(membership).collect()
}

pub(super) fn own_memberships() -> Result<Vec<Membership>, String> {
    let path = "/proc/self/cgroup";
    fs::read_to_string(path).map(|text| memberships(&text)).map_err(|error| io_failed(path, &error))
}

/// Returns the group that schedules this process: of version 1 if the cpu controller is there.
pub(super) fn cpu_group(memberships: &[Membership]) -> Option<&Membership> {
    let cpu = memberships.iter().find(|membership| membership.has_cpu());
    cpu.or_else(|| memberships.iter().find(|membership| membership.is_version_2()))
}

fn autogroup() -> Result<Found, Error> {
    in_child(|| check_autogroup().map(|()| "enabled, and acts: root CPU group".into()))
}

/// A control group below the own one, removed when dropped.
struct Group(PathBuf);

impl Group {
    fn below(parent: &Path) -> Result<Group, String> {
        let path = parent.join(format!("ipcraft-lab-{}", process::id()));
        let shown = parent.display().to_string();
        fs::create_dir(&path).map_err(|error| io_failed(&format!("mkdir(2): {shown}"), &error))?;
        Ok(Group(path))
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        fs::write(self.0.join(file), text).map_err(|error| io_failed(file, &error))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

fn share() -> Result<Found, Error> {
    in_child(|| {
        let memberships = own_memberships()?;
        let version_1 = memberships.iter().find(|membership| membership.has_cpu());
        if let Some(parent) = version_1.and_then(Membership::directory) {
            Group::below(&parent)?.write("cpu.shares", "512")?;
            return Ok("version 1, cpu.shares".into());
        }
        let version_2 = memberships.iter().find(|membership| membership.is_version_2());
        let Some(parent) = version_2.and_then(Membership::directory) else {
            return Err(format!("no control group below {MOUNT}"));
        };
        let enabled = fs::read_to_string(parent.join("cgroup.subtree_control")).unwrap_or_default();
        if !enabled.split_whitespace().any(|controller| controller == "cpu") {
            return Err(format!("{}/cgroup.subtree_control lacks cpu", parent.display()));
        }
        Group::below(&parent)?.write("cpu.weight", "50")?;
        Ok("version 2, cpu.weight".into())
    })
}

fn freezing() -> Result<Found, Error> {
    in_child(|| {
        let memberships = own_memberships()?;
        let version_2 = memberships.iter().find(|membership| membership.is_version_2());
        let Some(parent) = version_2.and_then(Membership::directory) else {
            return Err(format!("no control group of version 2 below {MOUNT}"));
        };
        Group::below(&parent)?.write("cgroup.freeze", "1")?;
        Ok("cgroup.freeze".into())
    })
}
