//! The registers that hold a system call, on each architecture.

use nix::sys::ptrace;
use nix::unistd::Pid;

/// The registers of a stopped child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Registers(libc::user_regs_struct);

impl Registers {
    pub(crate) fn of(child: Pid) -> nix::Result<Self> {
        ptrace::getregs(child).map(Registers)
    }

    pub(crate) fn put_into(&self, child: Pid) -> nix::Result<()> {
        ptrace::setregs(child, self.0)
    }

    /// Whether it is about to make, or is just entering, the system call that is this mark.
    pub(crate) fn is_mark(&self, argument: u64) -> bool {
        let getpid = libc::SYS_getpid;
        (self.system_call() == getpid || self.entered() == getpid) && self.first_argument() == argument
    }
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    pub(crate) fn program_counter(&self) -> u64 {
        self.0.rip
    }

    pub(crate) fn stack_pointer(&self) -> u64 {
        self.0.rsp
    }

    /// Two visits of a state differ in nothing else: the resume flag, and the number of the last
    /// system call, which has returned.
    pub(crate) fn without_traces_of_stepping(mut self) -> Registers {
        const RESUME_FLAG: u64 = 1 << 16;
        self.0.eflags &= !RESUME_FLAG;
        self.0.orig_rax = u64::MAX;
        self
    }

    /// The number that a system call instruction would pass.
    pub(crate) fn system_call(&self) -> i64 {
        self.0.rax as i64
    }

    /// The number of the system call that a stop at its entry is about: the kernel has overwritten
    /// rax by then.
    fn entered(&self) -> i64 {
        self.0.orig_rax as i64
    }

    fn first_argument(&self) -> u64 {
        self.0.rdi
    }
}

/// Whether the instruction that `word` starts with is `syscall`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_system_call(word: i64) -> bool {
    word & 0xffff == 0x050f
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    pub(crate) fn program_counter(&self) -> u64 {
        self.0.pc
    }

    pub(crate) fn stack_pointer(&self) -> u64 {
        self.0.sp
    }

    /// Two visits of a state differ in nothing else.
    pub(crate) fn without_traces_of_stepping(self) -> Registers {
        self
    }

    /// The number that a system call instruction would pass.
    pub(crate) fn system_call(&self) -> i64 {
        self.0.regs[8] as i64
    }

    /// The number of the system call that a stop at its entry is about: the register still has it.
    fn entered(&self) -> i64 {
        self.system_call()
    }

    fn first_argument(&self) -> u64 {
        self.0.regs[0]
    }
}

/// Whether the instruction that `word` starts with is `svc #0`.
#[cfg(target_arch = "aarch64")]
pub(crate) fn is_system_call(word: i64) -> bool {
    word & 0xffff_ffff == 0xd400_0001
}
