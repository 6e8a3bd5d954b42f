//! pidfd_open(2), pidfd_getfd(2), pidfd_send_signal(2), and waitid(2) on a pidfd.

#![allow(unsafe_code)]

use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;

use libc::{c_int, c_long, pid_t, siginfo_t};
use nix::errno::Errno;

use super::signal::Siginfo;

/// No flags.
const NONE: libc::c_uint = 0;

/// pidfd_open(2), which always sets close-on-exec.
pub(crate) fn open(pid: pid_t) -> nix::Result<OwnedFd> {
    // SAFETY: because pidfd_open(2) takes two integers.
    descriptor(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, NONE) })
}

/// pidfd_getfd(2), which always sets close-on-exec.
pub(crate) fn get(fd: BorrowedFd<'_>, number: RawFd) -> nix::Result<OwnedFd> {
    // SAFETY: because pidfd_getfd(2) takes three integers.
    descriptor(unsafe { libc::syscall(libc::SYS_pidfd_getfd, fd.as_raw_fd(), number, NONE) })
}

/// `PIDFD_GET_PID_NAMESPACE` (Linux 6.11): a descriptor of the pid namespace of a process.
pub(crate) fn pid_namespace(fd: &OwnedFd) -> nix::Result<OwnedFd> {
    /// `_IO(PIDFS_IOCTL_MAGIC, 5)` (include/uapi/linux/pidfd.h).
    const PIDFD_GET_PID_NAMESPACE: libc::Ioctl = 0xff05;
    // SAFETY: because the request takes no argument, and other kernels refuse its number.
    descriptor(unsafe { libc::ioctl(fd.as_raw_fd(), PIDFD_GET_PID_NAMESPACE, 0) }.into())
}

fn descriptor(returned: c_long) -> nix::Result<OwnedFd> {
    let number = Errno::result(returned)?;
    // SAFETY: because both calls return a new descriptor, which has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(number as RawFd) })
}

/// waitid(2) with `P_PIDFD` for the end of a child; `EAGAIN` if it would block and may not.
///
/// nix has this call, but reports a death by a realtime signal as `EINVAL`, after it reaped the
/// child.
pub(crate) fn wait(fd: BorrowedFd<'_>, options: c_int) -> nix::Result<ExitStatus> {
    let (code, status) = wait_any(fd, libc::WEXITED | options)?;
    Ok(ExitStatus::from_raw(match code {
        libc::CLD_EXITED => (status & 0xff) << 8,
        libc::CLD_DUMPED => status | 0x80,
        _ => status,
    }))
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Ended,
    /// With the signal, or the status of a traced child.
    Stopped(c_int),
    Continued,
}

/// waitid(2) with `P_PIDFD` for a change of state or the end, of which neither is taken away.
pub(crate) fn wait_change(fd: BorrowedFd<'_>, options: c_int) -> nix::Result<Change> {
    let (code, status) = wait_any(fd, libc::WEXITED | libc::WNOWAIT | options)?;
    Ok(match code {
        libc::CLD_STOPPED | libc::CLD_TRAPPED => Change::Stopped(status),
        libc::CLD_CONTINUED => Change::Continued,
        _ => Change::Ended,
    })
}

/// Returns the code and status that waitid(2) reports; `EAGAIN` if it would block and may not.
fn wait_any(fd: BorrowedFd<'_>, options: c_int) -> nix::Result<(c_int, c_int)> {
    let mut info = MaybeUninit::<siginfo_t>::zeroed();
    let id = fd.as_raw_fd() as libc::id_t;
    // SAFETY: because waitid(2) writes one siginfo_t, to a variable of that type.
    Errno::result(unsafe { libc::waitid(libc::P_PIDFD, id, info.as_mut_ptr(), options) })?;
    // SAFETY: because siginfo_t consists of integers, for which the zeroes it started with are
    // valid too.
    let info = unsafe { info.assume_init() };
    // SAFETY: because waitid(2) fills in both fields of a SIGCHLD, or leaves them zero if there is
    // nothing to report.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 { Err(Errno::EAGAIN) } else { Ok((info.si_code, status)) }
}

/// `PIDFD_GET_INFO` (Linux 6.15): the exit status of a process, once it is reaped.
pub(crate) fn exit_status(fd: BorrowedFd<'_>) -> Option<ExitStatus> {
    // SAFETY: because pidfd_info is a C structure of integers, for which zeroes are valid.
    let mut info: libc::pidfd_info = unsafe { mem::zeroed() };
    let exit = u64::from(libc::PIDFD_INFO_EXIT);
    info.mask = exit;
    // SAFETY: because PIDFD_GET_INFO reads and writes one pidfd_info, whose size is part of its
    // number, and other descriptors and older kernels refuse the number.
    let status = unsafe { libc::ioctl(fd.as_raw_fd(), libc::PIDFD_GET_INFO, &mut info) };
    (status == 0 && info.mask & exit != 0).then(|| ExitStatus::from_raw(info.exit_code))
}

/// pidfd_send_signal(2): as kill(2) does without a `value`, as sigqueue(3) does with one.
pub(crate) fn send_signal(fd: BorrowedFd<'_>, signal: c_int, value: Option<c_int>) -> nix::Result<()> {
    let info = value.map(|value| Siginfo::queued(signal, value));
    let info = info.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: because the call reads as many bytes as siginfo_t has, or nothing at null, and
    // `Siginfo` has its size.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd.as_raw_fd(), signal, info, NONE) };
    Errno::result(sent).map(drop)
}
