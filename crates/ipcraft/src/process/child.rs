//! The work of a child between fork and exec.
//!
//! The child has only this thread, and a descriptor table of its own. Another thread of the parent
//! may have held any lock at the fork. So everything here is async-signal-safe and allocates
//! nothing.

#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use nix::errno::Errno;

use super::inherit::Step;
use super::manifest::Identity;
use super::report;
use super::streams::FIRST_FD;
use super::table;
use crate::pid::Pid;
use crate::signal::Signal;
use crate::sys::{prctl, signal};

/// Sets close-on-exec on a range of descriptors (close_range(2), Linux 5.11).
const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;

/// The arrangements for one child.
#[derive(Debug)]
pub(super) struct ChildSetup {
    pub(super) kept_fds: Vec<RawFd>,
    pub(super) steps: Vec<Step>,
    pub(super) signals: ChildSignals,
    /// The socket of the child's [`Report`](report::Report), open across the fork.
    pub(super) report: RawFd,
    /// Whether the child fails if it cannot send its pidfd.
    pub(super) needs_pidfd: bool,
}

/// The signal settings of a child.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ChildSignals {
    /// Gives every signal its default action.
    pub(super) reset: bool,
    /// The mask, if it is not inherited.
    pub(super) mask: Option<u64>,
    /// The signal to get when this parent ends.
    pub(super) death: Option<(Signal, Pid)>,
}

/// Arranges what the child inherits. Reports a failure and ends the child then.
pub(super) fn set_up(setup: &ChildSetup) {
    // SAFETY: because the parent holds the socket open across the fork, so it is open in the child
    // until exec.
    let socket = unsafe { BorrowedFd::borrow_raw(setup.report) };
    if let Err(errno) = arrange(setup, socket) {
        report::send_failure(socket, errno);
        // SAFETY: because _exit(2) runs no handlers or destructors of the parent's.
        unsafe { libc::_exit(1) }
    }
}

fn arrange(setup: &ChildSetup, socket: BorrowedFd<'_>) -> nix::Result<()> {
    match report::send_pidfd(socket) {
        Err(errno) if setup.needs_pidfd => return Err(errno),
        _ => {}
    }
    arrange_signals(&setup.signals)?;
    close_all_on_exec()?;
    for &number in &setup.kept_fds {
        keep_on_exec(number)?;
    }
    for step in &setup.steps {
        place(step)?;
    }
    take_over_reports_of_std(setup, socket);
    Ok(())
}

fn arrange_signals(signals: &ChildSignals) -> nix::Result<()> {
    if signals.reset {
        signal::reset_actions();
    }
    if let Some(mask) = signals.mask {
        signal::set_mask(mask)?;
    }
    if let Some((death, parent)) = signals.death {
        prctl::set_parent_death_signal(death.number())?;
        // The parent may have ended before the call. In another pid namespace than its parent's, a
        // child sees the id 0.
        if ![0, parent.raw()].contains(&nix::unistd::getppid().as_raw()) {
            signal::kill(Pid::current().raw(), death.number())?;
        }
    }
    Ok(())
}

fn close_all_on_exec() -> nix::Result<()> {
    // SAFETY: because the call takes three integers and touches no memory.
    let status =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST_FD, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    match Errno::result(status) {
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            close_each_on_exec(table::size().or_else(|_| table::limit())?);
            Ok(())
        }
        result => result.map(drop),
    }
}

/// As [`close_all_on_exec`] before Linux 5.11: sets the flag on each number below `end`.
fn close_each_on_exec(end: RawFd) {
    for number in FIRST_FD..end {
        // SAFETY: because setting a flag of a descriptor touches no memory; for a number that is
        // not open it fails with EBADF.
        unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

fn keep_on_exec(number: RawFd) -> nix::Result<()> {
    // SAFETY: because clearing a flag of a descriptor touches no memory.
    Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }).map(drop)
}

/// Duplicates the source to the target number. Fails with `EBUSY` if the target was opened since
/// the preparation: std may have placed the socket there that reports a failed exec.
fn place(step: &Step) -> nix::Result<()> {
    match Identity::for_number(step.target) {
        Ok(found) if step.occupant != Some(found) => return Err(Errno::EBUSY),
        _ => {}
    }
    // SAFETY: because dup2(2) touches no memory, and the descriptor that it closes in the child is
    // a copy of one that the parent keeps.
    Errno::result(unsafe { libc::dup2(step.source, step.target) }).map(drop)
}

/// Puts `socket` in the place of the seqpacket socket through which std reports a failed exec.
///
/// Its number is unknown. So each seqpacket socket that the child will not have after exec is
/// replaced, which changes nothing else. If std reports through something else one day, its own
/// report stays.
fn take_over_reports_of_std(setup: &ChildSetup, socket: BorrowedFd<'_>) {
    for number in FIRST_FD..table::size().unwrap_or(table::SEARCHED_WITHOUT_PROC) {
        let is_needed = number == setup.report
            || setup.kept_fds.contains(&number)
            || setup.steps.iter().any(|step| step.target == number);
        if !is_needed && is_seqpacket(number) {
            // SAFETY: because dup3(2) touches no memory, and closes a copy of the parent's
            // descriptor that exec would close as well.
            unsafe { libc::dup3(socket.as_raw_fd(), number, libc::O_CLOEXEC) };
        }
    }
}

fn is_seqpacket(number: RawFd) -> bool {
    let (mut kind, mut length) = (0, size_of::<libc::c_int>() as libc::socklen_t);
    // SAFETY: because getsockopt(2) takes any number and writes one int.
    let status = unsafe {
        libc::getsockopt(number, libc::SOL_SOCKET, libc::SO_TYPE, (&raw mut kind).cast(), &mut length)
    };
    status == 0 && kind == libc::SOCK_SEQPACKET
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};
    use std::os::fd::AsFd;

    #[test]
    fn close_each_on_exec_sets_the_flag_on_every_descriptor() {
        let (reader, _writer) = std::io::pipe().unwrap();
        fcntl(reader.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        close_each_on_exec(table::size().unwrap());
        assert_eq!(fcntl(reader.as_fd(), FcntlArg::F_GETFD).unwrap(), FdFlag::FD_CLOEXEC.bits());
    }

    #[test]
    fn death_signal_is_sent_if_the_parent_has_ended_already() {
        let another = Pid::try_from(i32::MAX).unwrap();
        let signals = ChildSignals { reset: true, mask: Some(0), death: Some((Signal::USR1, another)) };
        // SAFETY: because the child makes only async-signal-safe calls before it ends.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                let _ = arrange_signals(&signals);
                // SAFETY: because _exit(2) runs no handlers or destructors of the parent's.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => {
                let ended = waitpid(child, None).unwrap();
                assert_eq!(ended, WaitStatus::Signaled(child, nix::sys::signal::SIGUSR1, false));
            }
        }
    }

    #[test]
    fn only_seqpacket_sockets_are_taken_for_the_report_of_std() {
        let report = report::Report::new().unwrap();
        let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(is_seqpacket(report.child_fd()));
        assert!(!is_seqpacket(stream.as_raw_fd()) && !is_seqpacket(-1));
    }
}
