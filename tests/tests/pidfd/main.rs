//! The behaviour of pidfds and process states, and every error of the module's table that a test
//! can provoke.

mod descriptors;
mod opening;
mod signalling;
mod states;
mod stopping;
mod waiting;

use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use ipcraft::process::{CommandExt, Inherit, PidFd, State};
use ipcraft::{ErrorKind, Result};
use ipcraft_tests::peer::Peer;
use ipcraft_tests::suite::{self, Outcome};
use ipcraft_tests::time::LONG_TIMEOUT;
use nix::unistd::{Gid, Uid, geteuid, pause, setgid, setgroups, setuid};

const UNPRIVILEGED_ID: u32 = 65534;

fn main() -> ExitCode {
    suite::main()
}

/// Starts a child that blocks until it is killed.
fn idle() -> Peer {
    Peer::start(|| {
        loop {
            pause();
        }
    })
}

fn pidfd_of(peer: &Peer) -> PidFd {
    PidFd::open(peer.id()).expect("a pidfd of a child")
}

/// Starts a shell that runs the script.
fn shell(script: &str) -> (Child, PidFd) {
    Command::new("sh").args(["-c", script]).spawn_pidfd(Inherit::new()).expect("a shell")
}

/// Blocks until the process is in the state.
fn wait_for_state(pidfd: &PidFd, expected: State) {
    let start = Instant::now();
    while pidfd.state().unwrap() != expected {
        assert!(start.elapsed() < LONG_TIMEOUT, "{:?} instead of {expected:?}", pidfd.state());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs the role in a child of an unprivileged user.
fn as_unprivileged_user(role: impl FnOnce()) -> Outcome {
    if !geteuid().is_root() {
        return Outcome::Skipped("only root may become another user".into());
    }
    Peer::start(|| {
        setgroups(&[]).expect("setgroups");
        setgid(Gid::from_raw(UNPRIVILEGED_ID)).expect("setgid");
        setuid(Uid::from_raw(UNPRIVILEGED_ID)).expect("setuid");
        role();
    })
    .join();
    Outcome::Passed
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("refused").kind()
}
