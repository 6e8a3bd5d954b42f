//! Groups of processes: autogroups and control groups.

use std::fs;
use std::path::{Path, PathBuf};

use super::autogroup::check_autogroup;
use super::trial::{Found, Trial, in_child, io_failed};
use crate::Error;
use crate::control_group::{self, ControlGroup, FreezableGroup};

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
        needs: "a writable control group of version 2, or the freezer of version 1",
        used_by: "schedule",
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

    /// Where the group is, behind its mount. In a container its path may begin above the mount:
    /// then the mount is the group.
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

fn share() -> Result<Found, Error> {
    in_child(|| {
        let group = ControlGroup::create("cpu")?;
        let weights = [("cpu.shares", "512", "version 1"), ("cpu.weight", "50", "version 2")];
        let found = weights.into_iter().find(|(file, _, _)| group.path().join(file).exists());
        let (file, weight, version) = found.ok_or("the group has no file for its weight")?;
        control_group::write(group.path(), file, weight)?;
        Ok(format!("{version}, {file}"))
    })
}

fn freezing() -> Result<Found, Error> {
    in_child(|| {
        let group = FreezableGroup::create()?;
        group.freeze()?;
        Ok(group.file().into())
    })
}
