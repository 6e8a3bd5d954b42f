//! Two processes that run in any order of their instructions.
//!
//! A [`State`] is everything on which their next instructions depend: the registers and the stacks
//! of both, and the words that they share. So a pair can continue from any state that it has seen,
//! and try another order from there.
//!
//! One step is one instruction of one process, and it is complete before the next one begins. The
//! orders are therefore those of a sequentially consistent machine. What a CPU with store
//! buffers does beyond that cannot be seen here.

use std::io::{IoSlice, IoSliceMut};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::sys::wait::WaitStatus;

use crate::child::Child;
use crate::mark;
use crate::pin::Pin;
use crate::registers::{self, Registers};
use crate::shared::Shared;
use crate::stepper::{REFUSED, trace_stopped_child};

/// The bytes of the stack above the start of a program that belong to the caller's frame.
const CALLER_FRAME: u64 = 256;
/// The bytes below the stack pointer that the ABI of x86-64 lets a function use.
const RED_ZONE: u64 = 128;
/// A program that uses more stack is not what this is for.
const MAX_STACK: u64 = 1 << 16;

/// One of the two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The first one.
    A,
    /// The second one.
    B,
}

impl Side {
    /// Both sides.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// Returns the other side.
    pub fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }

    /// Returns 0 or 1.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A state of both processes and of the words that they share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    processes: [Arc<ProcessState>; 2],
    words: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ProcessState {
    registers: Registers,
    /// From the end of the red zone to the caller's frame.
    stack: Vec<u8>,
    ended: bool,
}

impl State {
    /// The words that the processes share.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns whether the program of one side has returned.
    pub fn has_ended(&self, side: Side) -> bool {
        self.processes[side.index()].ended
    }
}

/// Two children that are stopped, each before one instruction of its program.
#[derive(Debug)]
pub struct Pair {
    processes: [Stopped; 2],
    shared: Shared,
    /// How many of the shared words belong to a state.
    words: usize,
    _pin: Pin,
}

#[derive(Debug)]
struct Stopped {
    child: Child,
    /// Where the stack of the program begins.
    stack_base: u64,
}

impl Pair {
    /// Forks two children, and stops each at the beginning of its program.
    ///
    /// The programs share the first `words` words of `shared`, which make part of each state. They
    /// must not block, and keep nothing that matters outside of registers, stack and these words.
    ///
    /// # Errors
    ///
    /// [`REFUSED`] if the system does not allow ptrace(2).
    pub fn start(shared: &Shared, words: usize, programs: [&dyn Fn(&Shared); 2]) -> nix::Result<Pair> {
        let pin = Pin::here();
        let [a, b] = programs.map(|program| Stopped::start(|| program(shared)));
        Ok(Pair { processes: [a?, b?], shared: shared.clone(), words, _pin: pin })
    }

    /// Returns the state at the start.
    ///
    /// # Errors
    ///
    /// Those of ptrace(2) and process_vm_readv(2), and `ENOMEM` if a program uses a large stack.
    pub fn start_state(&self) -> nix::Result<State> {
        let [a, b] = [&self.processes[0], &self.processes[1]].map(Stopped::state);
        Ok(State { processes: [Arc::new(a?), Arc::new(b?)], words: self.shared.read(self.words) })
    }

    /// Returns the state after one instruction of one process, from a state of this pair. `None`
    /// if its program has returned before.
    ///
    /// # Errors
    ///
    /// Those of ptrace(2), process_vm_readv(2) and process_vm_writev(2), `ENOMEM` if a program uses
    /// a large stack, and `ESRCH` if the process has died.
    pub fn step(&mut self, from: &State, side: Side) -> nix::Result<Option<State>> {
        let before = &from.processes[side.index()];
        if before.ended {
            return Ok(None);
        }
        let process = &mut self.processes[side.index()];
        process.restore(before)?;
        self.shared.write(&from.words);
        let after = process.step()?;
        let mut processes = from.processes.clone();
        processes[side.index()] = Arc::new(after);
        Ok(Some(State { processes, words: self.shared.read(self.words) }))
    }
}

impl Stopped {
    fn start(program: impl FnOnce()) -> nix::Result<Stopped> {
        let mut child = Child::try_start(|| mark::run_once(program))?;
        trace_stopped_child(&mut child)?;
        let mut stopped = Stopped { child, stack_base: 0 };
        stopped.run_to_begin()?;
        stopped.stack_base = Registers::of(stopped.child.pid())?.stack_pointer() + CALLER_FRAME;
        Ok(stopped)
    }

    /// Runs from system call to system call until the mark has returned.
    fn run_to_begin(&mut self) -> nix::Result<()> {
        let mut begun = false;
        loop {
            ptrace::syscall(self.child.pid(), None)?;
            match self.child.wait()? {
                WaitStatus::PtraceSyscall(_) if begun => return Ok(()),
                WaitStatus::PtraceSyscall(_) => {
                    begun = Registers::of(self.child.pid())?.is_mark(mark::BEGIN);
                }
                WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return Err(REFUSED),
                _ => {}
            }
        }
    }

    fn step(&mut self) -> nix::Result<ProcessState> {
        ptrace::step(self.child.pid(), None)?;
        match self.child.wait()? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => self.state(),
            _ => Err(Errno::ESRCH),
        }
    }

    fn is_at_system_call(&self, registers: &Registers) -> nix::Result<bool> {
        let address = registers.program_counter() as ptrace::AddressType;
        Ok(registers::is_system_call(ptrace::read(self.child.pid(), address)?))
    }

    fn state(&self) -> nix::Result<ProcessState> {
        let registers = Registers::of(self.child.pid())?;
        let ended = registers.is_mark(mark::END) && self.is_at_system_call(&registers)?;
        let bottom = registers.stack_pointer() - RED_ZONE;
        let size =
            self.stack_base.checked_sub(bottom).filter(|&size| size <= MAX_STACK).ok_or(Errno::ENOMEM)?;
        let mut stack = vec![0; size as usize];
        let remote = RemoteIoVec { base: bottom as usize, len: stack.len() };
        process_vm_readv(self.child.pid(), &mut [IoSliceMut::new(&mut stack)], &[remote])?;
        Ok(ProcessState { registers: registers.without_traces_of_stepping(), stack, ended })
    }

    fn restore(&self, state: &ProcessState) -> nix::Result<()> {
        let bottom = (state.registers.stack_pointer() - RED_ZONE) as usize;
        let remote = RemoteIoVec { base: bottom, len: state.stack.len() };
        process_vm_writev(self.child.pid(), &[IoSlice::new(&state.stack)], &[remote])?;
        state.registers.put_into(self.child.pid())
    }
}
