//! The registers that hold a system call, on each architecture.

use nix::sys::ptrace;
use nix::unistd::Pid;

/// The registers of a stopped child.
pub(super) struct Registers(libc::user_regs_struct);

impl Registers {
    pub(super) fn of(child: Pid) -> nix::Result<Self> {
        ptrace::getregs(child).map(Registers)
    }

    /// Whether it is about to make, or is just entering, the system call that is this mark.
    pub(super) fn is_mark(&self, argument: u64) -> bool {
        let getpid = libc::SYS_getpid;
        (self.system_call() == getpid || self.entered() == getpid) && self.first_argument() == argument
    }
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    pub(super) fn program_counter(&self) -> u64 {
        self.0.rip
    }

    /// The number that a system call instruction would pass.
    pub(super) fn system_call(&self) -> i64 {
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
pub(super) fn is_system_call(word: i64) -> bool {
    word & 0xffff == 0x050f
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    pub(super) fn program_counter(&self) -> u64 {
        self.0.pc
    }

    /// The number that a system call instruction would pass.
    pub(super) fn system_call(&self) -> i64 {
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
pub(super) fn is_system_call(word: i64) -> bool {
    word & 0xffff_ffff == 0xd400_0001
}
