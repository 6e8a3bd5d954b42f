//! A peer under ptrace(2): it stops at each system call, which is counted.

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::peer::Peer;
use crate::supervise::Failure;

/// A peer and the number of system calls that it has entered.
pub(crate) struct Traced {
    peer: Peer,
    calls: u64,
    /// Stops at system calls come in turns, at the entry and at the exit.
    in_call: bool,
}

impl Traced {
    /// Starts tracing. The peer stops and goes on by itself, as soon as somebody attends to it.
    pub(crate) fn start(peer: Peer) -> Result<Traced, Failure> {
        peer.never_wait()?;
        allowed(ptrace::seize(peer.id(), Options::PTRACE_O_TRACESYSGOOD))?;
        allowed(ptrace::interrupt(peer.id()))?;
        Ok(Traced { peer, calls: 0, in_call: false })
    }

    /// System calls entered so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Sends a command.
    pub(crate) fn command(&mut self, command: &impl Serialize) -> Result<(), Failure> {
        self.peer.command(command)
    }

    /// The peer's process id.
    #[cfg(test)]
    pub(crate) fn id(&self) -> nix::unistd::Pid {
        self.peer.id()
    }

    /// Lets the peer go on if it has stopped; gives its report once it enters the call after sending it.
    ///
    /// At that moment, and at no other, it is known what the peer has done since the report before.
    pub(crate) fn attend<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        let mut report = None;
        let signal = match self.peer.change()? {
            None => return Ok(None),
            Some(WaitStatus::PtraceSyscall(_)) => {
                report = self.enter_or_leave()?;
                None
            }
            Some(WaitStatus::Stopped(_, signal)) => Some(signal),
            Some(_) => None,
        };
        self.resume(signal)?;
        Ok(report)
    }

    fn enter_or_leave<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        self.in_call = !self.in_call;
        if !self.in_call {
            return Ok(None);
        }
        self.calls += 1;
        self.peer.unread()
    }

    /// Goes on to the next entry or exit, and takes the signal that stopped it along.
    fn resume(&self, signal: Option<Signal>) -> Result<(), Failure> {
        allowed(ptrace::syscall(self.peer.id(), signal))
    }
}

fn allowed(result: nix::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| Failure::Failed(format!("ptrace(2): {error}")))
}
