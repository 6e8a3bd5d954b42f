//! A peer whose system calls are counted under `ptrace(2)`.

use ipcraft_step::CallCounter;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::child::Process;
use super::failure::Failure;
use super::protocol::{Control, Reply, Request};

/// A traced peer and the number of system calls that it has entered.
pub(crate) struct Traced {
    control: Control,
    process: Process,
    counter: CallCounter,
}

impl Traced {
    /// Starts tracing. The peer stops, and continues when [`attend`](Traced::attend) is called.
    pub(super) fn start(process: Process, control: Control) -> Result<Traced, Failure> {
        control.set_nonblocking()?;
        let counter = check(CallCounter::seize(process.id()))?;
        Ok(Traced { control, process, counter })
    }

    /// Fails if `ptrace(2)` may not trace the children of this process.
    pub(crate) fn probe() -> Result<(), Failure> {
        let (supervisor, mut peer) = Control::pair()?;
        let process = Process::fork(|| peer.recv())?;
        Traced::start(process, supervisor).map(drop)
    }

    /// Returns the number of system calls entered so far.
    pub(crate) fn calls(&self) -> u64 {
        self.counter.calls()
    }

    /// Requests a slice of work.
    pub(crate) fn request(&mut self, slice: &impl Serialize) -> Result<(), Failure> {
        Ok(self.control.send(&Request::Run(slice))?)
    }

    /// Resumes the peer if it has stopped. Returns its report at the system call after the sending
    /// one: only then is the number of calls since the previous report exact.
    pub(crate) fn attend<R: DeserializeOwned>(&mut self) -> Result<Option<R>, Failure> {
        let Some(stop) = self.process.stopped()? else { return Ok(None) };
        let report = if self.counter.record(stop) { self.receive()? } else { None };
        check(self.counter.resume(stop))?;
        Ok(report)
    }

    /// Returns a report if the peer has sent one.
    fn receive<R: DeserializeOwned>(&mut self) -> Result<Option<R>, Failure> {
        match self.control.recv() {
            Ok(Reply::Done(report)) => Ok(Some(report)),
            Ok(Reply::Failed(reason)) => Err(Failure::Failed(reason)),
            Ok(_) => Err(Failure::Failed("a traced peer replied at the wrong time".into())),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the peer's process id.
    #[cfg(test)]
    pub(crate) fn id(&self) -> nix::unistd::Pid {
        self.process.id()
    }
}

fn check<T>(result: nix::Result<T>) -> Result<T, Failure> {
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
            nix::sys::ptrace::traceme()?;
            peer.send(&())?;
            peer.recv()
        })
        .unwrap();
        while supervisor.recv::<()>().is_err() {}
        let failure = Traced::start(process, supervisor).err().unwrap();
        assert!(failure.to_string().contains("ptrace(2): EPERM"), "{failure}");
    }
}
