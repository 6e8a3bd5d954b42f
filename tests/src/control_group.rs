//! A control group with a limit of memory, for tests that would otherwise get processes killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::thread::sleep;
use std::time::Duration;

use nix::unistd::geteuid;

use crate::peer::Peer;
use crate::suite::Outcome;

const PREFIX: &str = "ipcraft-test-";

/// Runs `role` in a child that belongs to a control group of at most `bytes` of memory and no swap.
/// Skips without the privilege to make one, or without a memory controller.
///
/// # Panics
///
/// If the role panics or is killed.
pub fn with_memory_limit(bytes: u64, role: impl FnOnce()) -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may make a control group".into());
    }
    let group = match Group::new(bytes) {
        Ok(group) => group,
        Err(e) => return Outcome::Skipped(format!("no control group with a memory limit: {e}")),
    };
    Peer::start(|| {
        fs::write(group.path.join("cgroup.procs"), process::id().to_string()).expect("joining the group");
        role();
    })
    .join();
    Outcome::Passed
}

/// Removed on drop.
struct Group {
    path: PathBuf,
}

impl Group {
    fn new(bytes: u64) -> std::io::Result<Group> {
        let first = Path::new("/sys/fs/cgroup/memory");
        let (top, limit) = match first.is_dir() {
            true => (first, "memory.limit_in_bytes"),
            false => (Path::new("/sys/fs/cgroup"), "memory.max"),
        };
        remove_left_groups(top);
        let path = top.join(format!("{PREFIX}{}", process::id()));
        fs::create_dir(&path)?;
        let group = Group { path };
        fs::write(group.path.join(limit), bytes.to_string())?;
        // Machines differ in whether they account for swap.
        let _ = fs::write(group.path.join("memory.swap.max"), "0")
            .or_else(|_| fs::write(group.path.join("memory.memsw.limit_in_bytes"), bytes.to_string()));
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel takes a moment to account for the end of the last process.
        for _ in 0..100 {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

/// Removes the groups of tests that were killed. The kernel keeps a group that has processes.
fn remove_left_groups(top: &Path) {
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}
