//! Control groups below the own one, removed with everything in them, also when this process is
//! killed.
//!
//! Nothing else in the hierarchy is changed, with one exception: under version 2 the own group may
//! have to pass its controller on to the groups below. That is taken back at the end.

mod freezer;
mod janitor;
mod place;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use crate::machine::io_failed;
pub(crate) use freezer::FreezableGroup;
use janitor::Janitor;
pub(crate) use place::{Place, Version};

/// The file by which a group of version 2 passes controllers on to the groups below.
const CONTROL: &str = "cgroup.subtree_control";
/// The file by which a process enters a group.
pub(crate) const PROCESSES: &str = "cgroup.procs";

/// A control group of this process alone. It is removed when this is dropped, or when this process
/// dies. Processes that are still in it are killed.
#[derive(Debug)]
pub(crate) struct ControlGroup {
    path: PathBuf,
    /// Groups below a group that has processes of its own must be threaded (cgroups(7)).
    is_threaded: bool,
    /// Ends last: it removes the group.
    _janitor: Janitor,
}

impl ControlGroup {
    /// Makes a group in which this controller acts, below the own group. Fails with what the
    /// system refuses.
    pub(crate) fn create(controller: &str) -> Result<ControlGroup, String> {
        let place = Place::of_this_process(controller)?;
        let path = place.directory.join(unique_name());
        if place.version == Version::One || controller.is_empty() {
            let janitor = Janitor::start(&path, None)?;
            return Ok(ControlGroup { path, is_threaded: false, _janitor: janitor });
        }
        let available = read_list(&place.directory, "cgroup.controllers")?;
        if !available.iter().any(|name| name == controller) {
            return Err(format!("{}/cgroup.controllers lacks {controller}", place.directory.display()));
        }
        let passed_on = read_list(&place.directory, CONTROL)?.iter().any(|name| name == controller);
        let is_threaded = !passed_on;
        let janitor = Janitor::start(&path, is_threaded.then_some((place.directory.as_path(), controller)))?;
        let group = ControlGroup { path, is_threaded, _janitor: janitor };
        let enable = format!("+{controller}");
        if is_threaded {
            write(&group.path, "cgroup.type", "threaded")?;
            write(&place.directory, CONTROL, &enable)?;
        }
        write(&group.path, CONTROL, &enable)?;
        Ok(group)
    }

    /// Returns where the group is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a group below this one, which is removed with it.
    pub(crate) fn subgroup(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.path.join(name);
        make(&path)?;
        if self.is_threaded {
            write(&path, "cgroup.type", "threaded")?;
        }
        Ok(path)
    }
}

/// Writes a file of a group.
pub(crate) fn write(group: &Path, file: &str, text: &str) -> Result<(), String> {
    let path = group.join(file);
    fs::write(&path, text).map_err(|error| io_failed(&format!("{}: write {text:?}", path.display()), &error))
}

fn make(path: &Path) -> Result<(), String> {
    fs::create_dir(path).map_err(|error| io_failed(&format!("mkdir(2): {}", path.display()), &error))
}

fn read_list(group: &Path, file: &str) -> Result<Vec<String>, String> {
    let path = group.join(file);
    let text = fs::read_to_string(&path).map_err(|error| io_failed(&path.display().to_string(), &error))?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// Returns a name that no process has used: ids repeat in other pid namespaces and over time.
fn unique_name() -> String {
    format!("ipcraft-lab-{}-{:016x}", process::id(), random())
}

fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests;
