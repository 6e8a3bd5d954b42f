//! One child that runs one operation, instruction by instruction.

use std::collections::HashMap;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use crate::child::Child;
use crate::pin::Pin;
use crate::registers::{self, Registers};
use crate::{asleep, mark};

/// A bound on the steps of an operation, beyond which it is taken to be stuck.
pub const MAX_STEPS: u64 = 10_000_000;

/// What stepping fails with where the system does not allow ptrace(2) at all.
pub const REFUSED: Errno = Errno::EPERM;

/// What an operation did between the marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Instructions executed in user space, the harness's own included.
    pub instructions: u64,
    /// The numbers of the system calls, in order.
    pub system_calls: Vec<i64>,
}

/// A child that is stopped within the marked call of its operation.
#[derive(Debug)]
pub struct Stepper {
    child: Child,
    trace: Trace,
    ended: bool,
    /// A signal that stopped the child and is delivered with the next step.
    signal: Option<Signal>,
    /// Whether there is a system call instruction at an address; program text does not change.
    decoded: HashMap<u64, bool>,
    /// Keeps both processes on one core for as long as this lives: a step is two switches between
    /// them.
    _pin: Pin,
}

impl Stepper {
    /// Forks a child, lets it call `operation` once, and stops it at the beginning of the second
    /// call.
    ///
    /// The operation must not block: a message to receive has to be there already.
    ///
    /// # Errors
    ///
    /// [`REFUSED`] where the system does not allow ptrace(2).
    pub fn start(operation: impl FnMut()) -> nix::Result<Stepper> {
        Stepper::start_sleeper(operation, |_| {})
    }

    /// [`start`](Stepper::start) for an operation that may block: `asleep` is called each time, and
    /// lets it continue.
    ///
    /// # Errors
    ///
    /// As for [`start`](Stepper::start).
    pub fn start_sleeper(operation: impl FnMut(), asleep: impl FnMut(Pid)) -> nix::Result<Stepper> {
        let pin = Pin::here();
        let child = Child::start(|| mark::run(operation));
        let mut stepper = Stepper {
            child,
            trace: Trace::default(),
            ended: false,
            signal: None,
            decoded: HashMap::new(),
            _pin: pin,
        };
        trace_stopped_child(&mut stepper.child)?;
        stepper.run_to_begin(asleep)?;
        Ok(stepper)
    }

    /// The child.
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// Steps until `count` instructions of the marked call have been executed; false if the call
    /// ended before.
    ///
    /// # Errors
    ///
    /// `ETIME` after [`MAX_STEPS`]; those of ptrace(2), such as `ESRCH` if the child was killed.
    pub fn step_until(&mut self, count: u64) -> nix::Result<bool> {
        self.step_sleeper_until(count, |_| {})
    }

    /// [`step_until`](Stepper::step_until) for an operation that may block: `asleep` is called each
    /// time, and lets it continue or kills it.
    ///
    /// # Errors
    ///
    /// As for [`step_until`](Stepper::step_until).
    pub fn step_sleeper_until(&mut self, count: u64, mut asleep: impl FnMut(Pid)) -> nix::Result<bool> {
        while self.trace.instructions < count && !self.ended {
            self.step(&mut asleep)?;
        }
        Ok(!self.ended)
    }

    /// Runs at full speed until, from here, a system call was entered or has returned `count`
    /// times; false if the marked call ended before.
    ///
    /// # Errors
    ///
    /// As for [`step_until`](Stepper::step_until).
    pub fn run_until_call(&mut self, count: u64) -> nix::Result<bool> {
        for _ in 0..count {
            self.run_to_system_call(&mut |_| {})?;
            if Registers::of(self.child.pid())?.is_mark(mark::END) {
                self.ended = true;
                break;
            }
        }
        Ok(!self.ended)
    }

    /// Runs at full speed to the end of an operation that blocks: `asleep` is called each time, and
    /// lets it continue or kills it.
    ///
    /// # Errors
    ///
    /// As for [`step_until`](Stepper::step_until).
    pub fn run_sleeper(&mut self, mut asleep: impl FnMut(Pid)) -> nix::Result<()> {
        while !self.ended {
            self.run_to_system_call(&mut asleep)?;
            self.ended = Registers::of(self.child.pid())?.is_mark(mark::END);
        }
        Ok(())
    }

    /// How many instructions of the marked call have been executed.
    pub fn position(&self) -> u64 {
        self.trace.instructions
    }

    /// Kills the child where it stands with `SIGKILL` and waits until it is gone.
    pub fn kill(self) {
        self.child.kill();
    }

    /// Steps to the end of the operation and returns what it did.
    ///
    /// # Errors
    ///
    /// As for [`step_until`](Stepper::step_until).
    pub fn finish(mut self) -> nix::Result<Trace> {
        self.step_until(MAX_STEPS)?;
        if self.ended { Ok(std::mem::take(&mut self.trace)) } else { Err(Errno::ETIME) }
    }

    /// Runs from system call to system call until the first mark has returned.
    fn run_to_begin(&mut self, mut asleep: impl FnMut(Pid)) -> nix::Result<()> {
        loop {
            self.run_to_system_call(&mut asleep)?;
            let begins = Registers::of(self.child.pid())?.is_mark(mark::BEGIN);
            self.run_to_system_call(&mut asleep)?;
            if begins {
                return Ok(());
            }
        }
    }

    fn run_to_system_call(&mut self, asleep: &mut impl FnMut(Pid)) -> nix::Result<()> {
        loop {
            ptrace::syscall(self.child.pid(), self.signal.take())?;
            asleep::wake_or_stop(&self.child, asleep)?;
            match self.child.wait()? {
                WaitStatus::PtraceSyscall(_) => return Ok(()),
                WaitStatus::Stopped(_, signal) => self.signal = Some(signal),
                _ => return Err(Errno::ESRCH),
            }
        }
    }

    fn step(&mut self, asleep: &mut impl FnMut(Pid)) -> nix::Result<()> {
        let registers = Registers::of(self.child.pid())?;
        let at_system_call = self.at_system_call(&registers)?;
        if at_system_call {
            if registers.is_mark(mark::END) {
                self.ended = true;
                return Ok(());
            }
            self.trace.system_calls.push(registers.system_call());
        }
        ptrace::step(self.child.pid(), self.signal.take())?;
        if at_system_call {
            asleep::wake_or_stop(&self.child, asleep)?;
        }
        match self.child.wait()? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => self.trace.instructions += 1,
            WaitStatus::Stopped(_, signal) => self.signal = Some(signal),
            _ => return Err(Errno::ESRCH),
        }
        Ok(())
    }

    fn at_system_call(&mut self, registers: &Registers) -> nix::Result<bool> {
        let address = registers.program_counter();
        if let Some(&known) = self.decoded.get(&address) {
            return Ok(known);
        }
        let found =
            registers::is_system_call(ptrace::read(self.child.pid(), address as ptrace::AddressType)?);
        self.decoded.insert(address, found);
        Ok(found)
    }
}

/// Begins to trace a child. It stops itself once it is ready to be traced, or exits if tracing is
/// refused.
pub(crate) fn trace_stopped_child(child: &mut Child) -> nix::Result<()> {
    match child.wait()? {
        WaitStatus::Stopped(_, Signal::SIGSTOP) => {
            ptrace::setoptions(child.pid(), Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD)
        }
        _ => Err(REFUSED),
    }
}

/// Counts one call of `operation`.
///
/// # Errors
///
/// As for [`Stepper::start`] and [`Stepper::finish`].
pub fn trace(operation: impl FnMut()) -> nix::Result<Trace> {
    Stepper::start(operation)?.finish()
}

/// Counts the system calls of one call of `operation`, which runs at full speed between them. So
/// what it does after some time happens as rarely as without the tracer.
///
/// # Errors
///
/// As for [`trace`].
pub fn system_calls(operation: impl FnMut()) -> nix::Result<usize> {
    let mut stepper = Stepper::start(operation)?;
    let mut stops = 0;
    while stepper.run_until_call(1)? {
        stops += 1;
    }
    Ok(stops / STOPS_PER_CALL)
}

/// A system call stops the child where it begins and where it has returned.
const STOPS_PER_CALL: usize = 2;

/// The instructions that the harness itself adds to every count.
///
/// # Errors
///
/// As for [`trace`].
pub fn overhead() -> nix::Result<u64> {
    trace(|| {}).map(|trace| trace.instructions)
}
