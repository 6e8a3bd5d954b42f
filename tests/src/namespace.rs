//! A child in a world of its own, for tests of limits that a whole machine shares.

use std::fs;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;

use crate::peer::Peer;
use crate::suite::Outcome;

/// Runs `role` in a child that has a new, empty IPC namespace; skips without the privilege to make one.
///
/// # Panics
///
/// If the role does.
pub fn with_own_ipc(role: impl FnOnce()) -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may make an IPC namespace".into());
    }
    Peer::start(|| {
        unshare(CloneFlags::CLONE_NEWIPC).expect("unshare(CLONE_NEWIPC)");
        role();
    })
    .join();
    Outcome::Passed
}

/// Moves this process to a new, empty IPC namespace, if it may: what it makes goes with it then, also if it is killed.
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
