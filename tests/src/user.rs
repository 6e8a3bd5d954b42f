//! Tests as an unprivileged user.

use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};

use crate::namespace;
use crate::peer::Peer;
use crate::suite::Outcome;

/// A user id and a group id that own nothing on usual systems.
pub const UNPRIVILEGED_ID: u32 = 65_534;

/// Returns why a test cannot run that needs root, for example to change the user.
pub fn skipped_unless_root() -> Option<Outcome> {
    (!geteuid().is_root()).then(|| Outcome::Skipped("only root can change users and owners".into()))
}

/// Makes this process an unprivileged one for good. Call it in a child process only.
///
/// # Panics
///
/// If this process is not root.
pub fn drop_privileges() {
    let (user, group) = (Uid::from_raw(UNPRIVILEGED_ID), Gid::from_raw(UNPRIVILEGED_ID));
    setgroups(&[]).expect("setgroups");
    setresgid(group, group, group).expect("setresgid");
    setresuid(user, user, user).expect("setresuid");
}

/// Runs `role` in an unprivileged child process and waits for its end.
///
/// # Panics
///
/// If this process is not root, or the role panics.
pub fn as_unprivileged(role: impl FnOnce()) {
    Peer::start(|| {
        drop_privileges();
        role();
    })
    .join();
}

/// Runs `arrange` as root and then `role` unprivileged, both in a child with an IPC namespace of
/// its own.
///
/// # Panics
///
/// If either panics.
pub fn unprivileged_in_own_ipc<T>(arrange: impl FnOnce() -> T, role: impl FnOnce(T)) -> Outcome {
    if let Some(skipped) = skipped_unless_root() {
        return skipped;
    }
    namespace::with_own_ipc(|| {
        let arranged = arrange();
        drop_privileges();
        role(arranged);
    })
}
