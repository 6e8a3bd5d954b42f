//! The processes of one measurement and their control connections.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::os::fd::AsFd;

use super::child::Process;
use super::failure::{CancelToken, Failure};
use super::launcher::{Launcher, Part};
use super::protocol::{Control, Reply, Request};
use crate::link::Role;

/// How long one wait for replies lasts before the supervisor checks for cancellation.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long a side may take to report after the other one has failed. The first report is often
/// that of the side that was left alone.
const SECOND_REPORT_TIME: Duration = Duration::from_millis(300);

/// Processes that measure together. Dropping the session ends all of them.
#[derive(Debug)]
pub struct Session {
    /// Dropped first: a closed connection asks a process to end by itself.
    sides: Vec<Side>,
    processes: Vec<Process>,
    pinned: bool,
}

/// One side of the connection. Two sides may be threads of one process.
#[derive(Debug)]
struct Side {
    role: Role,
    control: Control,
    process: usize,
}

impl Session {
    /// Starts a process for each group of parts, and waits until the connection is established.
    ///
    /// # Errors
    /// [`Failure::Failed`] if a process cannot be started or fails; [`Failure::Stopped`] if
    /// cancelled.
    pub fn launch(
        launcher: &mut dyn Launcher,
        groups: &[&[Part]],
        cancel: CancelToken<'_>,
    ) -> Result<Session, Failure> {
        let mut session = Session { sides: Vec::new(), processes: Vec::new(), pinned: true };
        for parts in groups {
            let (process, controls) = launcher.start(parts)?;
            let index = session.processes.len();
            session.processes.push(process);
            let sides = parts.iter().zip(controls);
            session.sides.extend(sides.map(|(part, control)| Side {
                role: part.role,
                control,
                process: index,
            }));
        }
        session.connect(cancel)?;
        Ok(session)
    }

    /// Forwards texts between the two sides until both are ready.
    fn connect(&mut self, cancel: CancelToken<'_>) -> Result<(), Failure> {
        loop {
            match &self.replies::<IgnoredAny>(cancel)?[..] {
                [Reply::Exchange(client), Reply::Exchange(server)] => {
                    self.send(0, &Request::<()>::Exchanged(server.clone()))?;
                    self.send(1, &Request::<()>::Exchanged(client.clone()))?;
                }
                replies => {
                    for reply in replies {
                        let Reply::Ready { pinned } = reply else {
                            return Err(out_of_step(reply));
                        };
                        self.pinned &= pinned;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Returns whether every process is bound to its core.
    pub fn pinned(&self) -> bool {
        self.pinned
    }

    /// Runs one slice. Returns the report of each side, the client's first. After a failure the
    /// session is of no further use.
    ///
    /// # Errors
    /// [`Failure::Failed`] if a process ends, is silent for too long or reports an error;
    /// [`Failure::Stopped`] if cancelled.
    pub fn run<S: Serialize, R: DeserializeOwned>(
        &mut self,
        slice: &S,
        cancel: CancelToken<'_>,
    ) -> Result<Vec<R>, Failure> {
        // The server first, since it only waits.
        for index in (0..self.sides.len()).rev() {
            self.send(index, &Request::Run(slice))?;
        }
        let done = |reply| match reply {
            Reply::Done(report) => Ok(report),
            other => Err(out_of_step(&other)),
        };
        self.replies(cancel)?.into_iter().map(done).collect()
    }

    fn send(&mut self, index: usize, request: &impl Serialize) -> Result<(), Failure> {
        match self.sides[index].control.send(request) {
            Ok(()) => Ok(()),
            Err(_) => Err(Failure::Failed(self.how_ended(index))),
        }
    }

    /// Waits for one reply of each side.
    fn replies<R: DeserializeOwned>(&mut self, cancel: CancelToken<'_>) -> Result<Vec<Reply<R>>, Failure> {
        let mut replies: Vec<Option<Result<Reply<R>, String>>> = self.sides.iter().map(|_| None).collect();
        let mut deadline = cancel.deadline();
        let mut failed = false;
        while replies.iter().any(Option::is_none) {
            if !failed {
                cancel.check(deadline)?;
            } else if Instant::now() >= deadline {
                break;
            }
            let missing: Vec<usize> = (0..replies.len()).filter(|&index| replies[index].is_none()).collect();
            for index in self.readable(&missing)? {
                replies[index] = self.reply(index)?;
                if !failed && matches!(replies[index], Some(Err(_))) {
                    failed = true;
                    deadline = Instant::now() + SECOND_REPORT_TIME;
                }
            }
        }
        let failures: Vec<&str> =
            replies.iter().flatten().filter_map(|reply| reply.as_ref().err()).map(String::as_str).collect();
        if !failures.is_empty() {
            return Err(Failure::Failed(failures.join("; ")));
        }
        Ok(replies.into_iter().flatten().flatten().collect())
    }

    /// Waits for one interval, and returns which of the given sides can be read.
    fn readable(&self, sides: &[usize]) -> Result<Vec<usize>, Failure> {
        let poll_fd = |&index: &usize| PollFd::new(self.sides[index].control.as_fd(), PollFlags::POLLIN);
        let mut descriptors: Vec<_> = sides.iter().map(poll_fd).collect();
        let interval = PollTimeout::try_from(POLL_INTERVAL).unwrap_or(PollTimeout::ZERO);
        match poll(&mut descriptors, interval) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Failure::Failed(format!("poll(2): {error}"))),
        }
        let ready = descriptors.iter().map(|descriptor| descriptor.any().unwrap_or(false));
        Ok(sides.iter().zip(ready).filter(|(_, ready)| *ready).map(|(&index, _)| index).collect())
    }

    /// Reads a reply. `None` if it is not complete yet.
    fn reply<R: DeserializeOwned>(
        &mut self,
        index: usize,
    ) -> Result<Option<Result<Reply<R>, String>>, Failure> {
        let side = &mut self.sides[index];
        match side.control.recv() {
            Ok(Reply::Failed(reason)) => Ok(Some(Err(format!("{}: {reason}", side.role.name())))),
            Ok(reply) => Ok(Some(Ok(reply))),
            Err(error) => match error.kind() {
                std::io::ErrorKind::WouldBlock => Ok(None),
                std::io::ErrorKind::UnexpectedEof => Ok(Some(Err(self.how_ended(index)))),
                _ => Err(Failure::Failed(format!("a reply is unreadable: {error}"))),
            },
        }
    }

    fn how_ended(&mut self, index: usize) -> String {
        let Side { role, process, .. } = self.sides[index];
        format!("{}: its process ended: {}", role.name(), self.processes[process].end())
    }

    /// Returns the processes with their control connections, for tracing.
    pub(super) fn into_processes(self) -> impl Iterator<Item = (Process, Control)> {
        let controls = self.sides.into_iter().map(|side| side.control);
        self.processes.into_iter().zip(controls)
    }

    /// Returns the process ids, in the order of the groups.
    pub fn ids(&self) -> Vec<nix::unistd::Pid> {
        self.processes.iter().map(Process::id).collect()
    }
}

fn out_of_step<R>(reply: &Reply<R>) -> Failure {
    let kind = match reply {
        Reply::Exchange(_) => "an exchange",
        Reply::Ready { .. } => "readiness",
        Reply::Done(_) => "a report",
        Reply::Failed(_) => "a failure",
    };
    Failure::Failed(format!("a peer reported {kind} at the wrong time"))
}
