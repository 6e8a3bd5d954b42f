//! System calls that this kernel has and an older one has not.

use nix::errno::Errno;

use crate::peer::Peer;
use crate::suite::Outcome;

/// A rule of a filter (seccomp(2)).
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// The system call fails with this errno.
    Fails(libc::c_long, Errno),
    /// The system call fails with this errno if its second argument, an operation, is this.
    FailsFor(libc::c_long, u32, Errno),
    /// The system call kills the process if its first argument is at least this.
    KillsFrom(libc::c_long, u32),
}

/// Runs `role` in a child, to whose system calls and those of its children the rules apply; skips
/// without seccomp(2).
///
/// # Panics
///
/// If the role does.
pub fn with_rules(rules: &[Rule], role: impl FnOnce()) -> Outcome {
    // SAFETY: because this operation of prctl(2) only reads a program, and fails with EFAULT for a
    // null pointer where seccomp(2) is supported.
    unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, 0_usize) };
    if Errno::last() != Errno::EFAULT {
        return Outcome::Skipped("this kernel has no seccomp(2)".into());
    }
    Peer::start(|| {
        apply(rules).expect("seccomp(2)");
        role();
    })
    .join();
    Outcome::Passed
}

fn apply(rules: &[Rule]) -> nix::Result<()> {
    let mut program: Vec<libc::sock_filter> = rules.iter().flat_map(|rule| compile(*rule)).collect();
    program.push(returns(libc::SECCOMP_RET_ALLOW));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: because the first call takes an integer, and the second reads a program whose length
    // goes with it.
    Errno::result(unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter)
    })
    .map(drop)
}

/// The offsets of the number and of the lower halves of two arguments in `struct seccomp_data`.
const NUMBER: u32 = 0;
const FIRST_ARGUMENT: u32 = 16;
const SECOND_ARGUMENT: u32 = 24;

fn compile(rule: Rule) -> Vec<libc::sock_filter> {
    match rule {
        Rule::Fails(call, errno) => vec![
            load(NUMBER),
            jump(libc::BPF_JEQ, call as u32, 1),
            returns(libc::SECCOMP_RET_ERRNO | errno as u32),
        ],
        Rule::FailsFor(call, operation, errno) => vec![
            load(NUMBER),
            jump(libc::BPF_JEQ, call as u32, 3),
            load(SECOND_ARGUMENT),
            jump(libc::BPF_JEQ, operation, 1),
            returns(libc::SECCOMP_RET_ERRNO | errno as u32),
        ],
        Rule::KillsFrom(call, least) => vec![
            load(NUMBER),
            jump(libc::BPF_JEQ, call as u32, 3),
            load(FIRST_ARGUMENT),
            jump(libc::BPF_JGE, least, 1),
            returns(libc::SECCOMP_RET_KILL_PROCESS),
        ],
    }
}

fn load(offset: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset)
}

/// Skips `skipped` instructions if the comparison does not hold.
fn jump(comparison: u32, with: u32, skipped: u8) -> libc::sock_filter {
    statement(libc::BPF_JMP | comparison | libc::BPF_K, skipped, with)
}

fn returns(value: u32) -> libc::sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, 0, value)
}

fn statement(code: u32, skipped: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: skipped, k }
}
