//! Signals: rt_sigprocmask(2), rt_sigtimedwait(2), sigqueue(3), signalfd(2) and relatives. A set is
//! the kernel's: one bit per signal, the lowest for number 1.
//!
//! The kernel is called directly where glibc adds nothing: its sigtimedwait(2) reports `SI_TKILL`
//! as `SI_USER`, and its sigset_t is sixteen times as long as the kernel's.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use libc::{c_int, pid_t};
use nix::errno::Errno;
use nix::sys::time::TimeSpec;

use super::readv;

/// The size of a set in bytes, which the kernel checks.
const SET_SIZE: usize = size_of::<u64>();

type Record = libc::signalfd_siginfo;

/// The size of a record of a signalfd in bytes.
pub(crate) const RECORD: usize = size_of::<Record>();

/// A received signal, in the kernel's numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedSignal {
    pub(crate) signal: c_int,
    pub(crate) code: c_int,
    pub(crate) pid: pid_t,
    pub(crate) uid: libc::uid_t,
    /// `si_value`, or `si_status` of a child.
    pub(crate) word: c_int,
}

/// The first members of siginfo_t, as every 64-bit Linux lays them out for signals that have a
/// sender (sigaction(2), include/uapi/asm-generic/siginfo.h).
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Siginfo {
    signal: c_int,
    errno: c_int,
    code: c_int,
    _padding: c_int,
    pid: pid_t,
    uid: libc::uid_t,
    word: c_int,
    /// The upper half of `si_value`, and the fields of other signals.
    rest: [c_int; 25],
}

const _: () = assert!(size_of::<Siginfo>() == size_of::<libc::siginfo_t>());

impl Siginfo {
    /// What sigqueue(3) sends: the signal, the value, and this process as the sender.
    pub(super) fn queued(signal: c_int, value: c_int) -> Siginfo {
        // SAFETY: because both calls only return a number (getpid(2), getuid(2)).
        let (pid, uid) = unsafe { (libc::getpid(), libc::getuid()) };
        let code = libc::SI_QUEUE;
        Siginfo { signal, errno: 0, code, _padding: 0, pid, uid, word: value, rest: [0; 25] }
    }
}

/// sigaction(2): whether the signal is at its default action, which for most signals ends the
/// process.
pub(crate) fn has_default_action(signal: c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: because sigaction(2) only writes the old action, to a variable of that type, when the
    // new one is null.
    let status = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: because the call succeeded and has filled the structure in.
    status == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_DFL
}

/// rt_sigaction(2): gives every signal its default action, also the two that the C library reserves
/// and whose action its sigaction(2) does not change. Async-signal-safe.
pub(crate) fn reset_actions() {
    // The default action, without flags and with an empty mask, is all zeroes.
    let action = [0_usize; 4];
    for number in 1..=64 {
        // SAFETY: because the kernel reads one structure of handler, flags, restorer and mask, four
        // words. The default action runs no code. The call fails for SIGKILL and SIGSTOP only.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, number, &raw const action, ptr::null::<()>(), SET_SIZE)
        };
    }
}

/// `SIG_BLOCK`: adds to this thread's mask, and returns the previous mask.
pub(crate) fn block(set: u64) -> nix::Result<u64> {
    change_mask(libc::SIG_BLOCK, set)
}

/// `SIG_SETMASK`
pub(crate) fn set_mask(set: u64) -> nix::Result<u64> {
    change_mask(libc::SIG_SETMASK, set)
}

fn change_mask(how: c_int, set: u64) -> nix::Result<u64> {
    let mut previous = 0_u64;
    let (new, old) = (&raw const set, &raw mut previous);
    // SAFETY: because rt_sigprocmask(2) reads one set of the given size and writes another.
    Errno::result(unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, new, old, SET_SIZE) })?;
    Ok(previous)
}

/// rt_sigpending(2): the signals pending for this thread or its process.
pub(crate) fn pending() -> nix::Result<u64> {
    let mut set = 0_u64;
    // SAFETY: because rt_sigpending(2) writes one set of the given size.
    Errno::result(unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, SET_SIZE) })?;
    Ok(set)
}

/// rt_sigtimedwait(2): takes one signal of the set; `EAGAIN` if none arrives in time.
#[inline]
pub(crate) fn wait(set: u64, timeout: Option<TimeSpec>) -> nix::Result<ReceivedSignal> {
    let timeout = timeout.map(|time| *time.as_ref());
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mut info = MaybeUninit::<Siginfo>::uninit();
    let (set, out) = (&raw const set, info.as_mut_ptr());
    // SAFETY: because rt_sigtimedwait(2) reads a set of the given size and a timeout, null or a
    // local, and writes one siginfo_t, whose size this structure has.
    let signal = unsafe { libc::syscall(libc::SYS_rt_sigtimedwait, set, out, timeout, SET_SIZE) };
    let signal = Errno::result(signal)? as c_int;
    // SAFETY: because the kernel writes all of it when it returns a signal, and any integers are
    // valid.
    let Siginfo { code, pid, uid, word, .. } = unsafe { info.assume_init() };
    Ok(ReceivedSignal { signal, code, pid, uid, word })
}

pub(crate) fn kill(pid: pid_t, signal: c_int) -> nix::Result<()> {
    // SAFETY: because kill(2) takes two integers.
    Errno::result(unsafe { libc::kill(pid, signal) }).map(drop)
}

pub(crate) fn tgkill(pid: pid_t, thread: pid_t, signal: c_int) -> nix::Result<()> {
    // SAFETY: because tgkill(2) takes three integers.
    Errno::result(unsafe { libc::syscall(libc::SYS_tgkill, pid, thread, signal) }).map(drop)
}

/// sigqueue(3)
#[inline]
pub(crate) fn queue(pid: pid_t, signal: c_int, value: c_int) -> nix::Result<()> {
    // SAFETY: because sigqueue(3) takes integers, and does not follow the pointer that a sigval can
    // be.
    Errno::result(unsafe { libc::sigqueue(pid, signal, sigval(value)) }).map(drop)
}

/// The union with this integer as its first half, since both architectures are little-endian. The
/// other half is 0.
pub(crate) fn sigval(value: c_int) -> libc::sigval {
    libc::sigval { sival_ptr: ptr::without_provenance_mut(value as u32 as usize) }
}

/// rt_tgsigqueueinfo(2): the same to a thread. glibc offers that for pthread handles only.
pub(crate) fn queue_to_thread(pid: pid_t, thread: pid_t, signal: c_int, value: c_int) -> nix::Result<()> {
    let info = Siginfo::queued(signal, value);
    let info = &raw const info;
    // SAFETY: because rt_tgsigqueueinfo(2) takes integers and reads one siginfo_t, whose size this
    // structure has.
    Errno::result(unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, thread, signal, info) }).map(drop)
}

/// signalfd(2): a new descriptor, close-on-exec.
pub(crate) fn open(set: u64) -> nix::Result<OwnedFd> {
    let fd = signalfd(-1, set, libc::SFD_CLOEXEC)?;
    // SAFETY: because the descriptor is new and has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// signalfd(2): another set for an existing descriptor.
pub(crate) fn replace(fd: BorrowedFd<'_>, set: u64) -> nix::Result<()> {
    signalfd(fd.as_raw_fd(), set, 0).map(drop)
}

fn signalfd(fd: c_int, set: u64, flags: c_int) -> nix::Result<c_int> {
    // SAFETY: because signalfd4(2) reads one set of the given size.
    let fd = unsafe { libc::syscall(libc::SYS_signalfd4, fd, &raw const set, SET_SIZE, flags) };
    Errno::result(fd).map(|fd| fd as c_int)
}

/// Reads at most `N` records of a signalfd, passes each to `each` in order, and returns the number
/// of bytes. From another type of file, it may not be a multiple of the record size.
#[inline]
pub(crate) fn read<const N: usize>(
    fd: BorrowedFd<'_>,
    flags: c_int,
    mut each: impl FnMut(ReceivedSignal),
) -> nix::Result<usize> {
    let mut records = [const { MaybeUninit::<Record>::uninit() }; N];
    let length = readv::read_into(fd, &mut records, flags)?;
    for record in &records[..length / RECORD] {
        // SAFETY: because read(2) has filled in as many bytes as it returned, and any integers are
        // valid.
        each(arrival(unsafe { record.assume_init_ref() }));
    }
    Ok(length)
}

/// Reads one record of a signalfd; `None` if it was not a record, which only another type of file
/// returns.
#[inline]
pub(crate) fn read_one(fd: BorrowedFd<'_>, flags: libc::c_int) -> nix::Result<Option<ReceivedSignal>> {
    let mut record = [MaybeUninit::<Record>::uninit()];
    if readv::read_into(fd, &mut record, flags)? != RECORD {
        return Ok(None);
    }
    // SAFETY: because read(2) returned that it has filled in all of it, and any integers are valid.
    Ok(Some(arrival(unsafe { record[0].assume_init_ref() })))
}

#[inline]
fn arrival(record: &Record) -> ReceivedSignal {
    let signal = record.ssi_signo as c_int;
    let word =
        if signal == libc::SIGCHLD && record.ssi_code > 0 { record.ssi_status } else { record.ssi_int };
    ReceivedSignal { signal, code: record.ssi_code, pid: record.ssi_pid as pid_t, uid: record.ssi_uid, word }
}

#[cfg(test)]
pub(crate) mod testing {
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    /// Runs `check` in a child whose `SIGPIPE` is at its default. Returns true if the child
    /// survived and `check` returned true.
    pub(crate) fn in_child_with_default_sigpipe(check: impl FnOnce() -> bool) -> bool {
        // SAFETY: because the child makes only system calls before it leaves through _exit(2).
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                // SAFETY: because the child is about to end, and nothing in it relies on the
                // disposition.
                unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
                let status = i32::from(!check());
                // SAFETY: because _exit(2) runs no handlers or destructors of the parent's.
                unsafe { libc::_exit(status) }
            }
            ForkResult::Parent { child } => waitpid(child, None).unwrap() == WaitStatus::Exited(child, 0),
        }
    }
}
