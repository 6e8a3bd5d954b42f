//! A process that stops at each of its system calls, and runs at full speed between them.

use nix::sys::ptrace::{self, Options};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

/// The system calls of a child that some other code has started and waits for.
#[derive(Debug)]
pub struct CallCounter {
    pid: Pid,
    calls: u64,
    /// Stops at system calls alternate between entry and return.
    in_call: bool,
}

impl CallCounter {
    /// Begins to trace a child, which stops. Each stop has to be passed to
    /// [`resume`](CallCounter::resume).
    ///
    /// # Errors
    ///
    /// Those of ptrace(2): `EPERM` if the system does not allow it, or if the child is traced.
    pub fn seize(pid: Pid) -> nix::Result<CallCounter> {
        ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD)?;
        ptrace::interrupt(pid)?;
        Ok(CallCounter { pid, calls: 0, in_call: false })
    }

    /// Counts a stop. Returns whether the child has stopped at the entry of a system call.
    pub fn record(&mut self, stop: WaitStatus) -> bool {
        if !matches!(stop, WaitStatus::PtraceSyscall(_)) {
            return false;
        }
        self.in_call = !self.in_call;
        self.calls += u64::from(self.in_call);
        self.in_call
    }

    /// Resumes the child until the next entry or return, and delivers the signal that stopped it.
    ///
    /// # Errors
    ///
    /// Those of ptrace(2): `ESRCH` if the child has died.
    pub fn resume(&self, stop: WaitStatus) -> nix::Result<()> {
        let signal = match stop {
            WaitStatus::Stopped(_, signal) => Some(signal),
            _ => None,
        };
        ptrace::syscall(self.pid, signal)
    }

    /// Returns the number of system calls entered so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }
}

#[cfg(test)]
mod tests {
    use std::hint::spin_loop;
    use std::sync::atomic::Ordering::SeqCst;

    use nix::unistd::getppid;

    use super::*;
    use crate::child::Child;
    use crate::shared::Shared;

    /// Counts the calls of a child that asks for its parent's id this many times, and ends.
    fn counted(calls: u64) -> nix::Result<u64> {
        let shared = Shared::new()?;
        let [ready, begin] = [&shared.words()[0], &shared.words()[1]];
        let mut child = Child::start(|| {
            ready.store(1, SeqCst);
            while begin.load(SeqCst) == 0 {
                spin_loop();
            }
            for _ in 0..calls {
                getppid();
            }
        });
        while ready.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        let mut counter = CallCounter::seize(child.pid())?;
        begin.store(1, SeqCst);
        loop {
            let stop = child.wait()?;
            if matches!(stop, WaitStatus::Exited(..)) {
                return Ok(counter.calls());
            }
            counter.record(stop);
            counter.resume(stop)?;
        }
    }

    #[test]
    fn calls_are_counted_once_each() {
        match (counted(10), counted(110)) {
            (Err(error), _) => eprintln!("skipped: ptrace(2): {error}"),
            (few, many) => assert_eq!(many.unwrap() - few.unwrap(), 100),
        }
    }
}
