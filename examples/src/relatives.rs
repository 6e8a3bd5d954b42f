//! Processes that have memory in common, and may be killed: what the examples of locks share.

use std::io::{Read, stdin};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio, exit};
use std::time::Duration;

use ipcraft::process::{CommandExt, Inherit, PidFd, take_inherited_fd};
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft::signal::Signal;

use crate::{Outcome, expect, myself};

/// How long anybody waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A process with the same memory.
#[derive(Debug)]
pub struct Relative {
    /// Keeps its standard input open: it ends when this process lets go, or dies.
    _child: Child,
    pidfd: PidFd,
}

/// Starts this program in another part, with the memory.
pub fn start(part: &str, memory: &Memfd) -> Outcome<Relative> {
    let inherit = Inherit::new().named("memory", OwnedFd::from(memory.try_clone()?));
    let (child, pidfd) = myself(part)?.stdin(Stdio::piped()).spawn_pidfd(inherit)?;
    Ok(Relative { _child: child, pidfd })
}

/// What is in the memory that this process was started with.
pub fn shared<T: ProcessShared>() -> Outcome<Shared<T>> {
    Ok(Shared::attach(Memfd::try_from(take_inherited_fd("memory")?)?.map()?)?)
}

/// Does nothing until the end, which is to be a violent one. If it does not come, and the parent goes, this process
/// exits, with all that it holds.
pub fn wait_to_be_killed() -> ! {
    let _ = stdin().read(&mut [0]);
    exit(1)
}

impl Relative {
    /// `kill -9`.
    pub fn kill(self) -> Outcome {
        self.pidfd.send_signal(Signal::KILL)?;
        let status = self.pidfd.wait_timeout(PATIENCE)?.status();
        expect("signal", status.and_then(|status| status.signal()), Some(Signal::KILL.number()))
    }

    /// Waits for it; it must succeed.
    pub fn finish(self) -> Outcome {
        let status = self.pidfd.wait_timeout(PATIENCE)?.status();
        expect("whether the other succeeded", status.map(|status| status.success()), Some(true))
    }
}
