//! How the processes of a session start.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Command;

use ipcraft::process::{CommandExt, Inherit};
use serde::{Deserialize, Serialize};

use super::child::Process;
use super::protocol::{Control, catch_failure};
use crate::link::{Endpoints, Role};
use crate::placement::pin;
use crate::workload;

/// One side of a connection and the core that it runs on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Part {
    /// The side.
    pub role: Role,
    /// The core; `None` leaves the choice to the scheduler.
    pub core: Option<usize>,
}

/// Starts the processes of a [`Session`](super::Session).
pub trait Launcher {
    /// Starts one process that plays the given parts. Returns it with one control connection for
    /// each part.
    ///
    /// # Errors
    /// If the process cannot be started.
    fn start(&mut self, parts: &[Part]) -> io::Result<(Process, Vec<Control>)>;
}

/// Forks this process. The child keeps one endpoint and runs the engine's workloads over it.
pub(super) struct Fork<'a> {
    pub(super) endpoints: &'a mut Endpoints,
}

impl Launcher for Fork<'_> {
    fn start(&mut self, parts: &[Part]) -> io::Result<(Process, Vec<Control>)> {
        let &[Part { role, core }] = parts else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let (supervisor, mut peer) = Control::pair()?;
        let mut supervisor = Some(supervisor);
        let endpoints = &mut *self.endpoints;
        let process = Process::fork(|| {
            supervisor = None;
            let served = catch_failure(|| serve(&mut peer, endpoints, role, core));
            served.map_err(|reason| {
                peer.fail(reason);
                io::ErrorKind::Other.into()
            })
        })?;
        Ok((process, supervisor.into_iter().collect()))
    }
}

fn serve(
    control: &mut Control,
    endpoints: &mut Endpoints,
    role: Role,
    core: Option<usize>,
) -> io::Result<()> {
    let link = endpoints.keep(role);
    link.on_start()?;
    let pinned = core.is_some_and(pin);
    control.serve(pinned, |slice| workload::run(role, link, slice))
}

/// Executes a program, which takes its control connections by
/// [`Control::inherited`] and serves its own kind of work.
#[derive(Debug)]
pub struct Exec<F> {
    command: F,
}

impl<F: FnMut(&[Part]) -> io::Result<Command>> Exec<F> {
    /// Executes the command that the closure returns for the parts of a process.
    pub fn new(command: F) -> Exec<F> {
        Exec { command }
    }
}

impl<F: FnMut(&[Part]) -> io::Result<Command>> Launcher for Exec<F> {
    fn start(&mut self, parts: &[Part]) -> io::Result<(Process, Vec<Control>)> {
        let mut command = (self.command)(parts)?;
        let mut controls = Vec::new();
        let mut descriptors = Inherit::new();
        for part in parts {
            let (supervisor, peer) = Control::pair()?;
            controls.push(supervisor);
            descriptors = descriptors.named(part.role.name(), OwnedFd::from(peer));
        }
        let child = command.spawn_inheriting(descriptors)?;
        Ok((Process::from_child(&child), controls))
    }
}
