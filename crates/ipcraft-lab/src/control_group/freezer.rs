//! A control group whose processes can be frozen.

use std::fs;
use std::path::Path;
use std::thread::yield_now;
use std::time::{Duration, Instant};

use super::{ControlGroup, PROCESSES, Version, write};

/// A group that does not report its state in this time is given up.
const MAX_TIME: Duration = Duration::from_secs(10);

/// A group that is frozen as a whole: by version 2, or by the freezer of version 1.
#[derive(Debug)]
pub(crate) struct FreezableGroup {
    group: ControlGroup,
    version: Version,
}

impl FreezableGroup {
    /// Makes a group below the own one. Fails with what the system refuses.
    pub(crate) fn create() -> Result<FreezableGroup, String> {
        let second = ControlGroup::create("");
        if let Ok(group) = second {
            return Ok(FreezableGroup { group, version: Version::Two });
        }
        let first =
            ControlGroup::create("freezer").map(|group| FreezableGroup { group, version: Version::One });
        first.map_err(|error| format!("{}; {error}", second.err().unwrap_or_default()))
    }

    /// Returns the file by which it is frozen.
    pub(crate) fn file(&self) -> &'static str {
        match self.version {
            Version::One => "freezer.state",
            Version::Two => "cgroup.freeze",
        }
    }

    /// Puts a process into the group.
    pub(crate) fn add(&self, pid: nix::unistd::Pid) -> Result<(), String> {
        write(self.group.path(), PROCESSES, &pid.to_string())
    }

    /// Keeps the processes from running. Returns when the kernel reports that they stand.
    pub(crate) fn freeze(&self) -> Result<(), String> {
        write(self.group.path(), self.file(), if self.version == Version::One { "FROZEN" } else { "1" })?;
        let deadline = Instant::now() + MAX_TIME;
        while is_frozen(self.group.path(), self.version) != Some(true) {
            if Instant::now() > deadline {
                return Err(format!("{} has no effect in {MAX_TIME:?}", self.file()));
            }
            yield_now();
        }
        Ok(())
    }

    /// Lets them run again.
    pub(crate) fn thaw(&self) -> Result<(), String> {
        write(self.group.path(), self.file(), if self.version == Version::One { "THAWED" } else { "0" })
    }
}

fn is_frozen(group: &Path, version: Version) -> Option<bool> {
    match version {
        Version::One => {
            let state = fs::read_to_string(group.join("freezer.state")).ok()?;
            Some(state.trim() == "FROZEN")
        }
        Version::Two => {
            let events = fs::read_to_string(group.join("cgroup.events")).ok()?;
            Some(events.lines().find_map(|line| line.strip_prefix("frozen "))? == "1")
        }
    }
}
