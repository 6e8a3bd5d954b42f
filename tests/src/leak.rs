//! What a test binary leaves behind, by a comparison of before and after.
//!
//! Only what belongs to this process counts: its descriptors, its children, and objects with
//! [unique](ipcraft::name::unique) names, which contain its process id. Other objects may appear
//! and disappear.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use ipcraft::name;
use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use crate::ipc;

/// The objects of this process at one moment.
#[derive(Debug)]
pub struct Snapshot {
    descriptors: BTreeSet<(u32, PathBuf)>,
    names: BTreeSet<PathBuf>,
    system_v: BTreeSet<String>,
}

impl Snapshot {
    /// Lists the descriptors, shared memory, queues, and the directories where tests put names.
    pub fn take() -> Snapshot {
        let directories = [Path::new("/dev/shm").to_owned(), std::env::temp_dir(), name::runtime_dir()];
        let names = directories.iter().flat_map(|dir| entries(dir)).chain(ipc::posix_queues());
        Snapshot {
            descriptors: descriptors(),
            names: names.filter(|path| is_ours(path)).collect(),
            system_v: ipc::system_v_objects().into_iter().collect(),
        }
    }

    /// Lists what exists now and did not at the time of this snapshot, and any child process.
    pub fn leaked(&self) -> Vec<String> {
        let now = Snapshot::take();
        let descriptors = now.descriptors.difference(&self.descriptors);
        let names = now.names.difference(&self.names);
        let descriptors = descriptors.map(|(fd, target)| format!("descriptor {fd} -> {}", target.display()));
        let child = has_child().then(|| "a child process".to_owned());
        let system_v = now.system_v.difference(&self.system_v).cloned();
        descriptors.chain(names.map(|path| path.display().to_string())).chain(system_v).chain(child).collect()
    }
}

/// The open descriptors of this process and what they lead to.
///
/// # Panics
///
/// If /proc is not mounted.
pub fn descriptors() -> BTreeSet<(u32, PathBuf)> {
    let listed = entries(Path::new("/proc/self/fd"));
    assert!(!listed.is_empty(), "/proc/self/fd cannot be read");
    // The descriptor that reads the directory is closed again by now, and its link gone.
    listed.iter().filter_map(|path| Some((number(path)?, fs::read_link(path).ok()?))).collect()
}

/// Whether a child of this process still runs, or has ended and was not waited for.
fn has_child() -> bool {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, peek) != Err(Errno::ECHILD)
}

fn number(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.parse().ok()
}

/// The entries of a directory; none if it cannot be read.
fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(&format!("-{}-", process::id())))
}
