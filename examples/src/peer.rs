//! Processes that share memory and may be killed: shared parts of the lock examples.

use std::io::{Read, stdin};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio, exit};
use std::time::Duration;

use ipcraft::process::{CommandExt, Inherit, PidFd, take_inherited_fd};
use ipcraft::shm::memfd::Memfd;
use ipcraft::shm::{ProcessShared, Shared};
use ipcraft::signal::Signal;

use crate::{Outcome, expect, this_program};

/// Limit of each wait.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// A second process with the same memory.
#[derive(Debug)]
pub struct Peer {
    /// Keeps the child's standard input open: it ends when this handle is dropped or this process
    /// dies.
    _child: Child,
    pidfd: PidFd,
}

/// Starts this program in another role, with the memory.
pub fn start(role: &str, memory: &Memfd) -> Outcome<Peer> {
    let inherit = Inherit::new().named("memory", OwnedFd::from(memory.try_clone()?));
    let (child, pidfd) = this_program(role)?.stdin(Stdio::piped()).spawn_pidfd(inherit)?;
    Ok(Peer { _child: child, pidfd })
}

/// The value in the memory that this process inherited.
pub fn shared<T: ProcessShared>() -> Outcome<Shared<T>> {
    Ok(Shared::attach(Memfd::try_from(take_inherited_fd("memory")?)?.map()?)?)
}

/// Blocks until this process is killed. If its parent exits first, this process exits too, with all
/// locks that it holds.
pub fn wait_to_be_killed() -> ! {
    let _ = stdin().read(&mut [0]);
    exit(1)
}

impl Peer {
    /// Kills it with SIGKILL.
    pub fn kill(self) -> Outcome {
        self.pidfd.send_signal(Signal::KILL)?;
        let status = self.pidfd.wait_timeout(TIMEOUT)?.status();
        expect("signal", status.and_then(|status| status.signal()), Some(Signal::KILL.number()))
    }

    /// Waits for its end. Fails unless it succeeds.
    pub fn finish(self) -> Outcome {
        let status = self.pidfd.wait_timeout(TIMEOUT)?.status();
        expect("whether the other succeeded", status.map(|status| status.success()), Some(true))
    }
}
