//! A peer under `ptrace(2)`: it stops at each system call, which is counted.

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::child::Process;
use super::failure::Failure;
use super::protocol::{Control, Reply, Request};

/// A traced peer and the number of system calls that it has entered.
pub(crate) struct Traced {
    control: Control,
    process: Process,
    calls: u64,
    /// Stops at system calls alternate between entry and exit.
    in_call: bool,
}

impl Traced {
    /// Starts tracing. The peer stops, and continues when [`attend`](Traced::attend) is called.
    pub(super) fn start(process: Process, control: Control) -> Result<Traced, Failure> {
        control.set_nonblocking()?;
        check(ptrace::seize(process.id(), Options::PTRACE_O_TRACESYSGOOD))?;
        check(ptrace::interrupt(process.id()))?;
        Ok(Traced { control, process, calls: 0, in_call: false })
    }

    /// Fails if `ptrace(2)` may not trace the children of this process.
    pub(crate) fn probe() -> Result<(), Failure> {
        let (supervisor, mut peer) = Control::pair()?;
        let process = Process::fork(|| peer.recv())?;
        Traced::start(process, supervisor).map(drop)
    }

    /// Returns the number of system calls entered so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Requests a slice of work.
    pub(crate) fn request(&mut self, slice: &impl Serialize) -> Result<(), Failure> {
        Ok(self.control.send(&Request::Run(slice))?)
    }

    /// Resumes the peer if it has stopped. Returns its report at the system call after the sending
    /// one: only then is the number of calls since the previous report exact.
    pub(crate) fn attend<R: DeserializeOwned>(&mut self) -> Result<Option<R>, Failure> {
        let mut report = None;
        let signal = match self.process.stopped()? {
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

    fn enter_or_leave<R: DeserializeOwned>(&mut self) -> Result<Option<R>, Failure> {
        self.in_call = !self.in_call;
        if !self.in_call {
            return Ok(None);
        }
        self.calls += 1;
        match self.control.recv() {
            Ok(Reply::Done(report)) => Ok(Some(report)),
            Ok(Reply::Failed(reason)) => Err(Failure::Failed(reason)),
            Ok(_) => Err(Failure::Failed("a traced peer replied at the wrong time".into())),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Resumes the peer until the next entry or exit, and delivers the signal that stopped it.
    fn resume(&self, signal: Option<Signal>) -> Result<(), Failure> {
        check(ptrace::syscall(self.process.id(), signal))
    }

    /// Returns the peer's process id.
    #[cfg(test)]
    pub(crate) fn id(&self) -> nix::unistd::Pid {
        self.process.id()
    }
}

fn check(result: nix::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| Failure::Failed(format!("ptrace(2): {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::alone;

    #[test]
    fn start_of_traced_process_fails_with_eperm() {
        let _alone = alone();
        if let Err(refused) = Traced::probe() {
            eprintln!("skipped: {refused}");
            return;
        }
        let (mut supervisor, mut peer) = Control::pair().unwrap();
        let process = Process::fork(|| {
            ptrace::traceme()?;
            peer.send(&())?;
            peer.recv()
        })
        .unwrap();
        while supervisor.recv::<()>().is_err() {}
        let failure = Traced::start(process, supervisor).err().unwrap();
        assert!(failure.to_string().contains("ptrace(2): EPERM"), "{failure}");
    }
}
