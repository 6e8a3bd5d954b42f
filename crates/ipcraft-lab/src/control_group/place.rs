//! Where the control group of this process is in the file system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use crate::machine::io_failed;

/// The interface of a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A hierarchy for some controllers.
    One,
    /// The one hierarchy for all others.
    Two,
}

/// The directory of a control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) version: Version,
}

impl Place {
    /// Returns the group of this process in the hierarchy that has the controller, or in that of
    /// version 2 if it is empty. Fails if no mount shows it.
    pub(crate) fn of_this_process(controller: &str) -> Result<Place, String> {
        let places = places(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?, controller);
        let found = places.into_iter().find(|place| place.has(process::id()));
        found.ok_or_else(|| match controller {
            "" => "no mounted control group of version 2 has this process".into(),
            _ => format!("no mounted control group with {controller} has this process"),
        })
    }

    /// Returns whether the process is in this very group. A mount can belong to another namespace
    /// of control groups, where the same path is another group.
    fn has(&self, pid: u32) -> bool {
        let file = match self.version {
            Version::One => "tasks",
            Version::Two => "cgroup.threads",
        };
        let members = fs::read_to_string(self.directory.join(file)).unwrap_or_default();
        members.lines().any(|line| line.parse() == Ok(pid))
    }
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| io_failed(path, &error))
}

/// Returns where the group of a controller can be: its path, seen from each mount of its hierarchy.
pub(super) fn places(groups: &str, mounts: &str, controller: &str) -> Vec<Place> {
    let Some((version, path)) = group(groups, controller) else { return Vec::new() };
    let mounts = mounts.lines().filter_map(Mount::parse);
    let of_hierarchy = mounts.filter(|mount| mount.shows(version, controller));
    let place = |mount: Mount| {
        let below = Path::new(path).strip_prefix(&mount.root).ok()?;
        Some(Place { directory: mount.point.join(below), version })
    };
    of_hierarchy.filter_map(place).collect()
}

/// Finds a group in `/proc/self/cgroup`, whose lines are `ID:CONTROLLERS:PATH`.
fn group<'a>(groups: &'a str, controller: &str) -> Option<(Version, &'a str)> {
    let lines = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let has = |list: &str| !controller.is_empty() && list.split(',').any(|name| name == controller);
    let first = lines.clone().find(|(list, _)| has(list)).map(|(_, path)| (Version::One, path));
    first.or_else(|| lines.clone().find(|(list, _)| list.is_empty()).map(|(_, path)| (Version::Two, path)))
}

/// A line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
struct Mount {
    /// What is mounted: a path in the hierarchy.
    root: PathBuf,
    /// Where it is mounted.
    point: PathBuf,
    kind: String,
    options: String,
}

impl Mount {
    fn parse(line: &str) -> Option<Mount> {
        let (mount, device) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (unescape(mount.next()?), unescape(mount.next()?));
        let mut device = device.split(' ');
        let (kind, options) = (device.next()?.to_owned(), device.nth(1)?.to_owned());
        Some(Mount { root, point, kind, options })
    }

    fn shows(&self, version: Version, controller: &str) -> bool {
        match version {
            Version::One => self.kind == "cgroup" && self.options.split(',').any(|name| name == controller),
            Version::Two => self.kind == "cgroup2",
        }
    }
}

/// Blanks, tabs, newlines and backslashes are written as octal numbers.
fn unescape(text: &str) -> PathBuf {
    let characters = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    characters.iter().fold(text.to_owned(), |text, (code, character)| text.replace(code, character)).into()
}
