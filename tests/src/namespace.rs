//! A child in a world of its own, for tests of limits that a whole machine shares.

use std::fs;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;

use crate::peer::Peer;
use crate::suite::Outcome;

/// Runs `role` in a child that has a new, empty IPC namespace; skips without the privilege to make
/// one.
///
/// # Panics
///
/// If the role does.
pub fn with_own_ipc(role: impl FnOnce()) -> Outcome {
    within(CloneFlags::CLONE_NEWIPC, role)
}

/// Runs `role` in a child whose /dev/shm is an empty file system of its own, of this size (such as
/// `64k`); skips without the privilege to mount one.
///
/// # Panics
///
/// If the role does.
pub fn with_own_shm(size: &str, role: impl FnOnce()) -> Outcome {
    with_own_mounts(|| {
        let options = format!("size={size}");
        let (flags, options) = (MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options.as_str()));
        mount(Some("tmpfs"), "/dev/shm", Some("tmpfs"), flags, options).expect("mounting a tmpfs");
        role();
    })
}

/// Runs `role` in a child whose mounts no other process sees; skips without the privilege to make
/// a mount namespace.
///
/// # Panics
///
/// If the role does.
pub fn with_own_mounts(role: impl FnOnce()) -> Outcome {
    within(CloneFlags::CLONE_NEWNS, || {
        let (none, private) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
        mount(none, "/", none, private, none).expect("making mounts private");
        role();
    })
}

/// Runs `role` in a child whose own children are in a new pid namespace, where the first of them
/// has the id 1; skips without the privilege to make one.
///
/// # Panics
///
/// If the role does.
pub fn with_own_pids(role: impl FnOnce()) -> Outcome {
    within(CloneFlags::CLONE_NEWPID, role)
}

fn within(namespace: CloneFlags, role: impl FnOnce()) -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may make a namespace".into());
    }
    Peer::start(|| {
        unshare(namespace).expect("unshare(2)");
        role();
    })
    .join();
    Outcome::Passed
}

/// Moves this process to a new, empty IPC namespace, if it may: what it makes goes with it then,
/// also if it is killed.
///
/// To be called before the process has threads.
pub fn enter_own_ipc() {
    // Without the privilege the tests run where they are, and clean up after themselves.
    let _ = unshare(CloneFlags::CLONE_NEWIPC);
}

/// Sets a limit below /proc/sys that belongs to the IPC namespace of the calling process.
///
/// # Panics
///
/// If that is not allowed.
pub fn set_limit(path: &str, value: &str) {
    fs::write(path, value).unwrap_or_else(|e| panic!("{path}: {e}"));
}
